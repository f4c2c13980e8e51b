import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { LabHost } from '../../../src/lab/host/lab-host.ts';
import type { HostFault } from '../../../src/lab/host/model.ts';
import { doSnapshotCall } from '../../../src/snapshot/host/do-snapshot.ts';
import { HostClient } from '../../../src/snapshot/host/host-client.ts';
import { HostProvider } from '../../../src/snapshot/host/host-provider.ts';
import type { SnapshotAnswer, SnapshotEvent } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';

const test = suite('host provider');

const TOKEN = 'very-secret-token';
const LUNS = [-1, 3];

function call() {
  return doSnapshotCall({
    taskId: 'task_1',
    diskIds: LUNS,
    settings: [],
    snapshotTaskToken: TOKEN,
    metadata: [['DiskEncryptionSettings', 'unlock-me-please']],
    instantAccessDurationMinutes: undefined,
  });
}

/** A provider, and all its events. */
class Watched implements AsyncDisposable {
  readonly events: SnapshotEvent[] = [];
  readonly client: HostClient;
  readonly provider: HostProvider;
  readonly #ended = Promise.withResolvers<void>();

  constructor(address: string, timeoutMs = 40_000) {
    this.client = HostClient.open(address);
    this.provider = new HostProvider(this.client, call(), {
      timeoutMs,
      onEvent: (event) => {
        this.events.push(event);
        this.#ended.resolve();
      },
    });
  }

  /** Resolves when the target has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  async take(inMs = 5_000): Promise<readonly SnapshotAnswer[]> {
    await this.provider.preflight();
    await this.provider.rewarm();
    this.provider.fire([0], process.hrtime.bigint() + BigInt(inMs * 1e6));
    await this.ended;
    return await this.provider.answers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider[Symbol.asyncDispose]();
    await this.client[Symbol.asyncDispose]();
  }
}

test('one request over the warm connection, one answer for each disk', async () => {
  await using host = await LabHost.start();
  await using watched = new Watched(host.address);
  const answers = await watched.take();
  assert.equal(watched.kinds(), ['acknowledged']);
  assert.equal(
    answers.map(({ target, host: own, snapshot }) => [target, own?.lun, snapshot !== undefined]),
    [
      [0, -1, true],
      [0, 3, true],
    ],
  );
  for (const answer of answers) {
    assert.is(answer.host?.statusCode, 200);
    assert.ok((answer.firedNs ?? 0n) < (answer.acknowledgedNs ?? 0n));
    assert.is(answer.attempts, 1);
  }
  const requests = await host.requests();
  assert.equal(
    requests.map((request) => request.call),
    ['versions', 'versions', 'do-snapshot'],
  );
  assert.is(new Set(requests.map(({ connection }) => connection)).size, 1);
});

const FAULTS: readonly (readonly [HostFault, statusCode: number, mayHaveOrphan: boolean])[] = [
  [{ kind: 'reset' }, 555, true],
  [{ kind: 'half-answer' }, 555, true],
  [{ kind: 'garbage' }, 555, true],
  [{ kind: 'answer', status: 500, body: '<html>' }, 556, true],
  [{ kind: 'answer', status: 500, body: '{ "error": "no" }' }, 500, true],
  [{ kind: 'answer', status: 404, body: '' }, 404, false],
  [{ kind: 'answer', status: 503, body: '' }, 503, false],
];

for (const [fault, statusCode, mayHaveOrphan] of FAULTS) {
  test(`${JSON.stringify(fault)} fails every disk with ${statusCode}, without a second try`, async () => {
    await using host = await LabHost.start();
    await host.setFault({ call: 'do-snapshot', fault });
    await using watched = new Watched(host.address);
    const answers = await watched.take();
    assert.equal(watched.kinds(), ['failed']);
    assert.is(answers.length, LUNS.length);
    for (const answer of answers) {
      assert.is(answer.snapshot, undefined);
      assert.is(answer.host?.statusCode, statusCode);
      assert.is(answer.mayHaveOrphan, mayHaveOrphan);
      assert.ok(answer.failure);
    }
    assert.not.match(JSON.stringify(answers, withoutBigints), new RegExp(`${TOKEN}|unlock-me`));
    const made = (await host.requests()).filter((request) => request.call === 'do-snapshot');
    assert.is(made.length, 1);
  });
}

for (const [body, statusCode] of [
  ['', 557],
  ['{"snapshotInfo": "none"}', 558],
] as const) {
  test(`a success with the body ${JSON.stringify(body)} ends the window and is ${statusCode}`, async () => {
    await using host = await LabHost.start();
    await host.setFault({ call: 'do-snapshot', fault: { kind: 'answer', status: 200, body } });
    await using watched = new Watched(host.address);
    const answers = await watched.take();
    assert.equal(watched.kinds(), ['acknowledged']);
    assert.ok(
      answers.every((it) => it.snapshot === undefined && it.host?.statusCode === statusCode),
    );
    assert.ok(
      answers.every((it) => it.mayHaveOrphan),
      'it is not reported that snapshots may have been taken',
    );
  });
}

test('silence ends at the deadline, or at the call’s own time-out', async () => {
  for (const [timeoutMs, deadlineMs] of [
    [40_000, 60],
    [60, 40_000],
  ] as const) {
    await using host = await LabHost.start();
    await host.setFault({ call: 'do-snapshot', fault: { kind: 'no-answer' } });
    await using watched = new Watched(host.address, timeoutMs);
    const [answer] = await watched.take(deadlineMs);
    assert.equal(watched.kinds(), ['failed']);
    assert.is(answer?.failure?.kind, 'timeout');
    assert.is(answer?.host?.statusCode, 555);
    assert.ok(answer?.mayHaveOrphan);
  }
});

test('an abort cuts it; if it was never fired, no request was sent', async () => {
  await using host = await LabHost.start();
  await host.setFault({ call: 'do-snapshot', fault: { kind: 'no-answer' } });
  await using watched = new Watched(host.address);
  await watched.provider.preflight();
  await watched.provider.rewarm();
  assert.match(
    (await watched.provider.answers())[0]?.failure?.message ?? '',
    'no request was sent',
  );
  watched.provider.fire([0], process.hrtime.bigint() + 10_000_000_000n);
  watched.provider.abort();
  // An event must not interrupt the action of the schedule that causes it.
  assert.equal(watched.kinds(), []);
  await watched.ended;
  assert.is(watched.kinds().at(-1), 'failed');
});

test('a host that does not exist fails the preflight', async () => {
  const host = await LabHost.start();
  const { address } = host;
  await host[Symbol.asyncDispose]();
  await using watched = new Watched(address);
  const [preflight] = await watched.provider.preflight();
  assert.not(preflight?.ok);
  assert.match(preflight?.ok === false ? preflight.failure.message : '', 'host service');
});

test('a host that disappears between preflight and freeze is noticed before the freeze', async () => {
  await using host = await LabHost.start();
  await using watched = new Watched(host.address);
  assert.ok((await watched.provider.preflight())[0]?.ok);
  await host.stop();
  assert.not((await watched.provider.rewarm())[0]?.ok);
});

test('a host that does not know the greeting still gets the call', async () => {
  await using host = await LabHost.start();
  await host.setFault({ call: 'versions', fault: { kind: 'answer', status: 400, body: 'what?' } });
  await using watched = new Watched(host.address);
  assert.ok((await watched.take()).every(({ snapshot }) => snapshot !== undefined));
  const requests = await host.requests();
  assert.is(new Set(requests.map(({ connection }) => connection)).size, 1);
});

test('a connection that was closed meanwhile is replaced before the freeze', async () => {
  await using host = await LabHost.start();
  await host.setFault({ call: 'versions', fault: { kind: 'close-after' }, times: 1 });
  await using watched = new Watched(host.address);
  assert.ok((await watched.take()).every(({ snapshot }) => snapshot !== undefined));
  const [first, second, last] = await host.requests();
  assert.is.not(first?.connection, second?.connection);
  assert.is(second?.connection, last?.connection);
});

for (const [what, greet] of [
  ['does not answer the greeting', () => {}],
  ['resets the connection at the greeting', (socket) => socket.resetAndDestroy()],
  ['closes after every greeting', (socket) => socket.end(CLOSING_ANSWER)],
] satisfies [string, (socket: Socket) => void][]) {
  test(`a host that ${what} gets a connection before the freeze, with nothing sent`, async () => {
    await using peer = await RawHost.start(greet);
    await using watched = new Watched(peer.address);
    assert.ok((await watched.provider.preflight())[0]?.ok);
    assert.equal(await watched.provider.rewarm(), [{ ok: true, target: 0, warm: true }]);
    await until(() => peer.sockets.at(-1)?.bytesRead === 0);
    const connections = peer.sockets.length;
    watched.provider.fire([0], process.hrtime.bigint() + 5_000_000_000n);
    await watched.ended;
    assert.ok((await watched.provider.answers()).every(({ snapshot }) => snapshot !== undefined));
    assert.is(peer.sockets.length, connections, 'connected in the window');
  });
}

test('a connection that the host closes before anything was sent is replaced', async () => {
  await using peer = await RawHost.start();
  const { sockets } = peer;
  await using client = HostClient.open(peer.address);
  assert.is(await client.connect(1_000), undefined);
  assert.ok(client.isConnected);
  await until(() => sockets.length === 1);
  sockets[0]?.end();
  await until(() => !client.isConnected);
  assert.is(await client.connect(1_000), undefined);
  const end = await client.call({ method: 'GET', path: '/', headers: [] });
  assert.is(end.kind, 'succeeded');
  assert.is(sockets.length, 2);
  client.drop();
  assert.not(client.isConnected);
});

test('a connection that nothing accepts is reported', async () => {
  const host = await LabHost.start();
  const { address } = host;
  await host[Symbol.asyncDispose]();
  await using client = HostClient.open(address);
  assert.equal(await client.connect(1_000), {
    kind: 'broken',
    failure: 'refused',
    code: 'ECONNREFUSED',
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(1);
  }
}

test('an answer that arrives byte by byte counts when it is complete', async () => {
  await using peer = await RawHost.start();
  await using watched = new Watched(peer.address);
  const answers = await watched.take();
  assert.ok(peer.wholeAtNs !== undefined);
  for (const { acknowledgedNs = 0n } of answers) {
    assert.ok(acknowledgedNs >= (peer.wholeAtNs ?? 0n));
  }
});

test('a second attempt is a separate call', async () => {
  await using host = await LabHost.start();
  await using watched = new Watched(host.address);
  await watched.take();
  await watched.provider.rewarm();
  watched.provider.fire([0], process.hrtime.bigint() + 5_000_000_000n);
  watched.provider.fire([0], process.hrtime.bigint() + 5_000_000_000n);
  assert.ok((await watched.provider.answers()).every(({ snapshot }) => snapshot !== undefined));
  const made = (await host.requests()).filter((request) => request.call === 'do-snapshot');
  assert.is(made.length, 2);
});

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CLOSING_ANSWER = ANSWER.replace('\r\n', '\r\nConnection: close\r\n');

/** Answers do-snapshot one byte at a time, everything else at once. */
class RawHost implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  wholeAtNs: bigint | undefined;
  readonly #server: Server;

  private constructor(greet: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.sockets.push(socket);
      this.#accept(socket, greet);
    });
  }

  static async start(
    greet: (socket: Socket) => void = (socket) => socket.write(ANSWER),
  ): Promise<RawHost> {
    const host = new RawHost(greet);
    host.#server.listen(0, '127.0.0.1');
    await once(host.#server, 'listening');
    return host;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  #accept(socket: Socket, greet: (socket: Socket) => void): void {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (!chunk.toString('latin1').startsWith('POST')) {
        greet(socket);
        return;
      }
      const body = JSON.stringify({ snapshotInfo: LUNS.map(() => ({ isSuccessful: true })) });
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      this.#trickle(socket, [...answer]);
    });
  }

  #trickle(socket: Socket, left: readonly string[]): void {
    const [first, ...rest] = left;
    if (first === undefined) {
      socket.end();
      return;
    }
    if (rest.length === 0) {
      this.wholeAtNs = process.hrtime.bigint();
    }
    socket.write(first);
    setImmediate(() => this.#trickle(socket, rest));
  }
}

function withoutBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

test.run();
