import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { type Copied, copyBlobs } from '../../src/restore/copy-blobs.ts';
import { suite } from '../suite.ts';

const test = suite('states of a copy between page blobs');

const SNAPSHOT = '2026-11-29T06:00:00.0000000Z';
const CONTENT = Buffer.from('the content of the snapshot');

/** What the service says of the new blob, one answer after the other; the last one repeats. */
type State =
  | 'absent'
  | `pending ${number}`
  | 'success'
  | `failed ${string}`
  | 'aborted'
  | 'foreign';

/** A service that says of the new blob what it is told to say. */
class Scripted implements AsyncDisposable {
  readonly #server: Server;
  readonly #states: State[];
  /** Headers of the requests for a copy. */
  readonly puts: IncomingMessage['headers'][] = [];
  looks = 0;

  private constructor(states: readonly State[]) {
    this.#states = [...states];
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(states: readonly State[]): Promise<Scripted> {
    const scripted = new Scripted(states);
    scripted.#server.listen(0, '127.0.0.1');
    await once(scripted.#server, 'listening');
    return scripted;
  }

  get container(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/account/vhds?sig=secret`;
  }

  copy(progress?: (copied: number, all: number) => void): Promise<Copied[]> {
    const place = { url: this.container, proxy: undefined };
    const url = `${this.container.split('?')[0]}/disk.vhd`;
    const sizeBytes = CONTENT.length;
    return copyBlobs(
      [{ url, snapshot: SNAPSHOT, sizeBytes, from: place, to: place, name: 'new', metadata: {} }],
      progress,
    );
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    switch (request.method) {
      case 'HEAD':
        this.#head(response);
        break;
      case 'PUT':
        this.puts.push(request.headers);
        response.writeHead(202, {
          'x-ms-copy-id': '1',
          'x-ms-copy-status': 'pending',
          ETag: '"2"',
        });
        response.end();
        break;
      default:
        response.writeHead(206, {
          'Content-Range': `bytes 0-${CONTENT.length - 1}/${CONTENT.length}`,
          ...{ 'Content-Length': CONTENT.length, ETag: '"1"' },
        });
        response.end(CONTENT);
    }
  }

  #head(response: ServerResponse): void {
    this.looks += 1;
    const [state = 'absent'] = this.#states.length > 1 ? this.#states.splice(0, 1) : this.#states;
    const [word = '', detail] = state.split(/ (.*)/);
    if (word === 'absent') {
      response.writeHead(404, { 'x-ms-error-code': 'BlobNotFound' });
      response.end();
      return;
    }
    const source = `${this.container.split('?')[0]}/disk.vhd?snapshot=${SNAPSHOT}`;
    response.writeHead(200, {
      ...{ 'Content-Length': word === 'success' ? CONTENT.length : 0, ETag: `"${word}"` },
      ...(word === 'foreign' ? {} : { 'x-ms-copy-source': source, 'x-ms-copy-status': word }),
      ...(word === 'pending' ? { 'x-ms-copy-progress': `${detail}/${CONTENT.length}` } : {}),
      ...(word === 'failed' ? { 'x-ms-copy-status-description': detail } : {}),
    });
    response.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

test('a copy that is pending is waited for, with its progress', async () => {
  await using service = await Scripted.start(['absent', 'pending 0', 'pending 9', 'success']);
  const seen: number[] = [];
  assert.equal(await service.copy((copied) => seen.push(copied)), [{ state: 'created' }]);
  assert.equal(seen, [0, 9, CONTENT.length]);
  assert.is(service.puts[0]?.['if-none-match'], '*');
  assert.is(service.looks, 4);
});

test('a copy that an earlier call started is waited for, and not started again', async () => {
  await using service = await Scripted.start(['pending 3', 'pending 9', 'success']);
  assert.equal(await service.copy(), [{ state: 'created' }]);
  assert.is(service.puts.length, 0);
});

const ENDS: readonly (readonly [end: State, words: string])[] = [
  [
    'failed 500 InternalServerError https://a/b?sig=secret',
    'as failed (500 InternalServerError (URL))',
  ],
  ['aborted', 'as aborted (without a reason)'],
];

test('a copy that fails or is aborted is reported with the reason of the service', async () => {
  for (const [end, words] of ENDS) {
    await using service = await Scripted.start(['absent', 'pending 0', end]);
    const [copied] = await service.copy();
    assert.is(copied?.state, 'failed');
    assert.match(copied?.error ?? '', `the service ended the copy ${words}`);
    assert.match(copied?.error ?? '', 'call again to start it anew');
    assert.not.match(copied?.error ?? '', 'secret');
  }
});

test('called again, such a copy is started anew, unless it has been written to', async () => {
  for (const [end] of ENDS) {
    await using service = await Scripted.start([end, 'pending 0', 'success']);
    assert.equal(await service.copy(), [{ state: 'created' }], end);
    assert.is(service.puts.length, 1);
    assert.is(service.puts[0]?.['if-match'], `"${end.split(' ')[0]}"`);
    assert.is(service.puts[0]?.['if-none-match'], undefined);
  }
});

test('a blob that is no copy of the snapshot is left alone', async () => {
  await using service = await Scripted.start(['foreign']);
  try {
    await service.copy();
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof FlashfreezeError, String(error));
    assert.is(error.code, 'FF_RESTORE_TARGET_EXISTS');
  }
  assert.is(service.puts.length, 0);
});

test('a blob that takes the place of a pending copy is left alone, and that is told', async () => {
  await using service = await Scripted.start(['absent', 'pending 0', 'foreign']);
  const [copied] = await service.copy();
  assert.match(copied?.error ?? '', 'another blob was made with this name meanwhile');
});

test.run();
