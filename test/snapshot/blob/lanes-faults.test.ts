import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { identify } from '../../../src/snapshot/matching/identify.ts';
import type { RequestFailure } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';
import { recordedHead } from '../matching/fixtures/heads.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import {
  answer,
  answerSnapshot,
  dribble,
  inTurn,
  interimFirst,
  Peer,
  type PeerRequest,
  refuse,
  reset,
  type Script,
  SNAPSHOT_TIME,
  sayAndClose,
  saySilent,
} from './fixtures/peer.ts';
import { inMs, snapshotOne, targets, WatchedLanes } from './fixtures/window.ts';

const { trusted } = trustOwnAuthority(import.meta.filename);
const test = suite('blob lanes against hostile peers');

interface Repaired {
  readonly script: Script;
  readonly attempts: number;
  readonly mayHaveOrphan: boolean;
}

const INTERIM = { attempts: 1, mayHaveOrphan: false } as const;

const REPAIRED: Record<string, Repaired> = {
  'an answer 100 that was not asked for': {
    script: interimFirst('HTTP/1.1 100 Continue\r\n\r\n'),
    ...INTERIM,
  },
  'an answer 100 with headers, in pieces': {
    script: interimFirst('HTTP/1.1 1', '00 Continue\r\nvia: gateway\r\n', '\r', '\n'),
    ...INTERIM,
  },
  'answers 102, 100 and 103 before the answer': {
    script: interimFirst(
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n',
    ),
    ...INTERIM,
  },
  'a reset after the request': {
    script: inTurn(reset, answerSnapshot),
    attempts: 2,
    mayHaveOrphan: true,
  },
  'half of an answer': {
    script: inTurn(sayAndClose('HTTP/1.1 201 Created\r\nx-ms-snap'), answerSnapshot),
    attempts: 2,
    mayHaveOrphan: true,
  },
  'a connection that is closed without an answer': {
    script: inTurn(sayAndClose(''), answerSnapshot),
    attempts: 2,
    mayHaveOrphan: true,
  },
  'an internal error': {
    script: inTurn(refuse(500, 'InternalError'), answerSnapshot),
    attempts: 2,
    mayHaveOrphan: true,
  },
  'a busy service': {
    script: inTurn(refuse(503, 'ServerBusy'), refuse(503, 'ServerBusy'), answerSnapshot),
    attempts: 3,
    mayHaveOrphan: false,
  },
  'a busy service that says when': {
    script: inTurn(refuse(503, 'ServerBusy', { 'retry-after': '1' }), answerSnapshot),
    attempts: 2,
    mayHaveOrphan: false,
  },
  'a body that ends too early after a complete head': {
    script: sayAndClose(
      `HTTP/1.1 201 Created\r\nx-ms-snapshot: ${SNAPSHOT_TIME}\r\ncontent-length: 9\r\n\r\nabc`,
    ),
    attempts: 1,
    mayHaveOrphan: false,
  },
  'a body without end': {
    script: answer(201, { 'x-ms-snapshot': SNAPSHOT_TIME }, Buffer.alloc(1_000_000)),
    attempts: 1,
    mayHaveOrphan: false,
  },
};

for (const [name, { script, attempts, mayHaveOrphan }] of Object.entries(REPAIRED)) {
  test(`${name} still ends in a snapshot, after ${attempts} tries`, async () => {
    await using peer = await Peer.start(trusted, { snapshot: script });
    const found = await snapshotOne(peer.origin);
    assert.equal(found.kinds, ['acknowledged']);
    assert.is(found.answer.snapshot, SNAPSHOT_TIME);
    assert.is(found.answer.attempts, attempts);
    assert.is(found.answer.mayHaveOrphan, mayHaveOrphan);
    assert.is(found.answer.failure, undefined);
    assert.is(peer.snapshots.length, attempts);
  });
}

interface Failed {
  readonly script: Script;
  readonly kind: RequestFailure['kind'];
  readonly serviceCode?: string;
  readonly httpStatus?: number;
  readonly mayHaveOrphan?: boolean;
  readonly budgetMs?: number;
}

const FAILED: Record<string, Failed> = {
  'too many snapshots in ten minutes': {
    script: refuse(409, 'SnapshotOperationRateExceeded'),
    kind: 'http',
    serviceCode: 'SnapshotOperationRateExceeded',
    httpStatus: 409,
  },
  'too many snapshots of a blob': {
    script: refuse(409, 'SnapshotCountExceeded'),
    kind: 'http',
    serviceCode: 'SnapshotCountExceeded',
    httpStatus: 409,
  },
  'an expired SAS': {
    script: refuse(403, 'AuthenticationFailed'),
    kind: 'http',
    serviceCode: 'AuthenticationFailed',
    httpStatus: 403,
  },
  'a blob that is gone': {
    script: refuse(404, 'BlobNotFound'),
    kind: 'http',
    serviceCode: 'BlobNotFound',
    httpStatus: 404,
  },
  'a condition that does not hold': {
    script: refuse(412, 'ConditionNotMet'),
    kind: 'http',
    serviceCode: 'ConditionNotMet',
    httpStatus: 412,
  },
  'a code that stands in the body only': {
    script: answer(409, {}, '<Error><Code>SnapshotCountExceeded</Code></Error>'),
    kind: 'http',
    serviceCode: 'SnapshotCountExceeded',
    httpStatus: 409,
  },
  'a busy service that asks for more time than there is': {
    script: refuse(503, 'ServerBusy', { 'retry-after': '60' }),
    kind: 'http',
    serviceCode: 'ServerBusy',
    httpStatus: 503,
  },
  'a redirection': {
    script: answer(302, { location: 'https://127.0.0.1:1/' }),
    kind: 'http',
    httpStatus: 302,
  },
  'a success that names no snapshot': {
    script: answer(201),
    kind: 'protocol',
    httpStatus: 201,
    mayHaveOrphan: true,
  },
  'something that is not HTTP': {
    script: sayAndClose('220 mail.example ESMTP\r\n'),
    kind: 'protocol',
    mayHaveOrphan: true,
  },
  'no answer': { script: saySilent, kind: 'timeout', mayHaveOrphan: true, budgetMs: 1_500 },
  'one byte a second': { script: dribble, kind: 'timeout', mayHaveOrphan: true, budgetMs: 1_500 },
};

for (const [name, expected] of Object.entries(FAILED)) {
  test(`${name} fails after one try`, async () => {
    await using peer = await Peer.start(trusted, { snapshot: expected.script });
    const { answer: found, kinds } = await snapshotOne(peer.origin, {
      budgetMs: expected.budgetMs ?? 5_000,
    });
    assert.equal(kinds, ['failed']);
    assert.is(found.snapshot, undefined);
    assert.is(found.attempts, 1);
    assert.is(peer.snapshots.length, 1);
    assert.is(found.failure?.kind, expected.kind);
    assert.is(found.failure?.serviceCode, expected.serviceCode);
    assert.is(found.httpStatus, expected.httpStatus);
    assert.is(found.mayHaveOrphan, expected.mayHaveOrphan ?? false);
  });
}

test('a request that gets no answer is sent again on another connection, and either answer counts', async () => {
  await using peer = await Peer.start(trusted, { snapshot: inTurn(saySilent, answerSnapshot) });
  const { answer: found, kinds } = await snapshotOne(peer.origin, { budgetMs: 60_000 });
  assert.equal(kinds, ['acknowledged']);
  assert.is(found.snapshot, SNAPSHOT_TIME);
  assert.is(found.attempts, 2);
  // The first request may have made a snapshot too.
  assert.is(found.mayHaveOrphan, true);
  const [first, second] = peer.snapshots;
  assert.not.equal(first?.connection, second?.connection);
  assert.match(found.patience?.waitedFor ?? '', 'none came within 3 s');
});

test('if both requests make a snapshot, the second one is surplus', async () => {
  const LATE_TIME = '2026-11-22T02:41:55.0000000Z';
  const late: Script = (request) => {
    setTimeout(() => answer(201, { 'x-ms-snapshot': LATE_TIME })(request), 100);
  };
  let first: PeerRequest | undefined;
  const both: Script = (request) => {
    if (first === undefined) {
      first = request;
      return;
    }
    answerSnapshot(request);
    late(first);
  };
  await using peer = await Peer.start(trusted, { snapshot: both });
  const { answer: found } = await snapshotOne(peer.origin, { budgetMs: 60_000 });
  assert.is(found.snapshot, SNAPSHOT_TIME);
  assert.equal(found.surplus, [LATE_TIME]);
  assert.is(found.mayHaveOrphan, false);
});

for (const httpStatus of [408, 429, 502, 504]) {
  test(`HTTP ${httpStatus} is tried again`, async () => {
    const script = inTurn(refuse(httpStatus, 'Any'), refuse(httpStatus, 'Any'), answerSnapshot);
    await using peer = await Peer.start(trusted, { snapshot: script });
    const { answer: found } = await snapshotOne(peer.origin);
    assert.is(found.snapshot, SNAPSHOT_TIME);
    assert.is(found.attempts, 3);
  });
}

test('the patience limits how long a request is tried again, and the failure says so', async () => {
  await using peer = await Peer.start(trusted, {
    snapshot: refuse(429, 'ServerBusy', { 'retry-after': '15' }),
  });
  await using watched = await WatchedLanes.open(targets(peer.origin, 1), { patienceMs: 2_000 });
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(600_000));
  await watched.ended(1);
  const [found] = await watched.lanes.answers();
  assert.is(found?.attempts, 1);
  assert.match(found?.failure?.message ?? '', 'The next try was due after 15.0 s');
  assert.match(found?.failure?.message ?? '', '--patience');
});

test('a service that never recovers gets a limited number of requests', async () => {
  await using peer = await Peer.start(trusted, { snapshot: refuse(500, 'OperationTimedOut') });
  const { answer: found, kinds } = await snapshotOne(peer.origin, { budgetMs: 20_000 });
  assert.equal(kinds, ['failed']);
  assert.is(found.attempts, 8);
  assert.is(found.failure?.serviceCode, 'OperationTimedOut');
  assert.is(found.mayHaveOrphan, true);
});

test('a request to a server that disappears inside the window is retried until the deadline', async () => {
  const peer = await Peer.start(trusted);
  await using watched = await WatchedLanes.open(targets(peer.origin, 2));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  await peer[Symbol.asyncDispose]();
  watched.lanes.fire([0, 1], inMs(1_500));
  await watched.ended(2);
  for (const found of await watched.lanes.answers()) {
    assert.is(found.failure?.kind, 'refused');
    assert.ok(found.attempts > 1);
  }
});

test('one silent blob fails at its deadline, and the others succeed', async () => {
  await using peer = await Peer.start(trusted, {
    snapshot: (request) => (request.path.includes('disk1.') ? saySilent : answerSnapshot)(request),
  });
  await using watched = await WatchedLanes.open(targets(peer.origin, 3));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  const deadlineNs = inMs(1_500);
  watched.lanes.fire([0, 1, 2], deadlineNs);
  await watched.ended(3);
  const answers = await watched.lanes.answers();
  assert.equal(
    answers.map(({ failure }) => failure?.kind),
    [undefined, 'timeout', undefined],
  );
  const failed = watched.events.find(({ kind }) => kind === 'failed');
  assert.ok(failed !== undefined && failed.atNs >= deadlineNs - 2_000_000n);
});

test('a port without a listener fails the preflight', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  await using watched = await WatchedLanes.open(targets(`https://127.0.0.1:${port}`, 1));
  const [found] = await watched.lanes.preflight();
  assert.is(found?.ok === false && found.failure.kind, 'refused');
});

test('a server that accepts and does not answer fails the preflight', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await using watched = await WatchedLanes.open(targets(`https://127.0.0.1:${port}`, 1), {
      preflightTimeoutMs: 300,
    });
    const [found] = await watched.lanes.preflight();
    assert.is(found?.ok === false && found.failure.kind, 'timeout');
  } finally {
    server.close();
  }
});

for (const [what, silent] of [
  ['no answer', saySilent],
  ['half of an answer', ({ socket }) => socket.write('HTTP/1.1 206 Partial')],
] as const satisfies [string, Script][]) {
  test(`a preflight that gets ${what} asks once more, on another connection`, async () => {
    const btrfs = recordedHead('btrfs-1');
    const head = answer(206, { 'content-range': 'bytes 0-69631/1073741824' }, btrfs);
    await using peer = await Peer.start(trusted, { head: inTurn(silent, head) });
    // The half of it is for the first request; the other is against hangs only.
    await using watched = await WatchedLanes.open(targets(peer.origin, 1), {
      preflightTimeoutMs: 8_000,
    });
    const [found] = await watched.lanes.preflight();
    assert.equal(found?.ok === true && found.head.identity, identify(btrfs));
    assert.equal(
      peer.requests.map(({ connection }) => connection),
      [1, 2],
    );
  });
}

test.run();
