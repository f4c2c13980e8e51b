import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { uploadLogBlob, uploadStatusBlob } from '../../../src/extension/uploads/upload.ts';
import { suite } from '../../suite.ts';

const test = suite('tries of an upload');
const SECRET = 'Tywk%2FOXL1zvhXcLujtC%2Bt8g3jTpgbE6JpSWRLZxAdtA%3D';

type Behaviour = 'fine' | 'busy' | 'refuse' | 'reset' | 'silent' | 'garbage';

/** A service with one block blob that behaves as told with each request, and well afterwards. */
class Service implements AsyncDisposable {
  readonly #server: Server;
  readonly #behaviours: Behaviour[];
  readonly requests: string[] = [];
  text = '';

  private constructor(behaviours: readonly Behaviour[]) {
    this.#behaviours = [...behaviours];
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(...behaviours: readonly Behaviour[]): Promise<Service> {
    const service = new Service(behaviours);
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  get uri(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/account/container/blob?sv=2020-10-02&sr=b&sig=${SECRET}&sp=rw`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request.method ?? '');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.#behave(this.#behaviours.shift() ?? 'fine', request, response, Buffer.concat(chunks));
    });
  }

  #behave(
    behaviour: Behaviour,
    { method, url }: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): void {
    switch (behaviour) {
      case 'fine':
        this.text = method === 'PUT' ? body.toString() : this.text;
        response.writeHead(method === 'PUT' ? 201 : 200, { 'x-ms-blob-type': 'BlockBlob' }).end();
        break;
      case 'busy':
        response.writeHead(503, { 'x-ms-error-code': 'ServerBusy' }).end();
        break;
      case 'refuse':
        response.writeHead(409, { 'x-ms-error-code': 'LeaseIdMissing' }).end(`no ${url}`);
        break;
      case 'reset':
        response.destroy();
        break;
      case 'garbage':
        response.socket?.end('garbage\r\n\r\n');
        break;
      case 'silent':
        break;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

test('what may pass is tried three times', async () => {
  await using service = await Service.start('busy', 'fine', 'reset');
  assert.equal(await uploadStatusBlob(service.uri, 'text'), { ok: true });
  assert.equal(service.requests, ['HEAD', 'HEAD', 'PUT', 'HEAD', 'PUT']);
  assert.is(service.text, 'text');
});

test('a service that stays busy is given up after the third try', async () => {
  await using service = await Service.start('busy', 'busy', 'busy', 'busy');
  const result = await uploadLogBlob(service.uri, 'text');
  assert.match(JSON.stringify(result), /"the log blob could not be written: HTTP 503/);
  assert.is(service.requests.length, 3);
});

test('a refusal is final, and what the service says of the address is not told', async () => {
  await using service = await Service.start('fine', 'refuse');
  const result = await uploadLogBlob(service.uri, 'text');
  assert.equal(result, {
    ok: false,
    message: 'the log blob could not be written: HTTP 409 LeaseIdMissing',
  });
  assert.is(service.requests.length, 2);
});

test('an answer that is none is tried again', async () => {
  await using service = await Service.start('garbage');
  assert.equal(await uploadStatusBlob(service.uri, 'text'), { ok: true });
});

test('a service that never answers is left when the time is over', async () => {
  await using service = await Service.start('silent', 'silent', 'silent', 'silent');
  const result = await uploadStatusBlob(service.uri, 'text', { timeLimitMs: 300 });
  assert.equal(result, {
    ok: false,
    message: 'the status blob could not be written: the time limit was reached',
  });
});

test('one silent answer costs one try', async () => {
  await using service = await Service.start('fine', 'silent');
  const result = await uploadStatusBlob(service.uri, 'text', { timeLimitMs: 6_000 });
  assert.equal(result, { ok: true });
  assert.equal(service.requests, ['HEAD', 'PUT', 'HEAD', 'PUT']);
});

test('it can be cancelled', async () => {
  await using service = await Service.start('silent');
  const result = await uploadStatusBlob(service.uri, 'text', { signal: AbortSignal.timeout(300) });
  assert.equal(result, {
    ok: false,
    message: 'the status blob could not be written: the upload was cancelled',
  });
});

const PROGRAM = `
  const [module, uri, proxy] = process.argv.slice(1);
  const { uploadStatusBlob } = await import(module);
  const { ok } = await uploadStatusBlob(uri, 'text', { timeLimitMs: 900, proxy: proxy || undefined });
  process.stdout.write(String(ok));
`;

test('neither a silent service nor a silent proxy keeps the process from ending', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const module = join(import.meta.dirname, '../../../src/extension/uploads/upload.ts');
  try {
    for (const [uri, proxy] of [
      [`https://127.0.0.1:${port}/account/container/blob?sig=${SECRET}`, ''],
      [`https://account.blob.example/container/blob?sig=${SECRET}`, `http://127.0.0.1:${port}`],
    ] as const) {
      const parameters = ['--input-type=module', '--eval', PROGRAM, module, uri, proxy];
      const { stdout } = await promisify(execFile)(process.execPath, parameters, {
        timeout: 120_000,
      });
      assert.is(stdout, 'false');
    }
  } finally {
    server.close();
  }
});

test('nobody there is told by the error’s code', async () => {
  const { uri } = await (async () => {
    await using service = await Service.start();
    return { uri: service.uri };
  })();
  const result = await uploadStatusBlob(uri, 'text');
  assert.equal(result, {
    ok: false,
    message: 'the status blob could not be written: ECONNREFUSED',
  });
});

test('an address that is none, or would show the signature to everybody, is not tried', async () => {
  const addresses = [
    '',
    'blob',
    `ftp://a/b/c?sig=${SECRET}`,
    `http://account.blob.example/texts/x?sig=${SECRET}`,
    `https://account.blob.example/x?sig=${SECRET}`,
  ];
  for (const uri of addresses) {
    const result = await uploadStatusBlob(uri, 'text');
    assert.ok(!result.ok);
    assert.match(result.message, /^the status blob could not be written: the status blob's URI /);
    assert.not.match(result.message, /Tywk|OXL1/);
  }
});

test('a proxy that is none is told without its password', async () => {
  await using service = await Service.start();
  for (const proxy of ['hunter2', 'socks5://user:hunter2@127.0.0.1:1080']) {
    const result = await uploadStatusBlob(service.uri, 'text', { proxy });
    assert.match(JSON.stringify(result), /the proxy is not an http URL/);
    assert.not.match(JSON.stringify(result), /hunter2/);
  }
  assert.equal(service.requests, []);
});

test.run();
