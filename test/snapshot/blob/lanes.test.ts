import * as assert from 'uvu/assert';
import { BlobLanes } from '../../../src/snapshot/blob/lanes.ts';
import { identify } from '../../../src/snapshot/matching/identify.ts';
import { suite } from '../../suite.ts';
import { recordedHead } from '../matching/fixtures/heads.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import {
  answer,
  answerHead,
  answerSnapshot,
  inTurn,
  Peer,
  SNAPSHOT_TIME,
  saySilent,
} from './fixtures/peer.ts';
import { inMs, SAS, snapshotOne, targets, WatchedLanes } from './fixtures/window.ts';

const { trusted } = trustOwnAuthority(import.meta.filename);
const test = suite('blob lanes');

for (const lanes of [1, 3]) {
  test(`64 blobs over ${lanes} lanes: one snapshot each, over the warm connections`, async () => {
    await using peer = await Peer.start(trusted);
    await using watched = await WatchedLanes.open(targets(peer.origin, 64), { lanes });
    const preflight = await watched.lanes.preflight();
    assert.ok(preflight.every((found, index) => found.ok && found.target === index));
    const warm = await watched.lanes.rewarm();
    assert.ok(warm.every((found) => found.ok && found.warm));
    assert.is(peer.connections, 64);
    watched.lanes.fire(
      Array.from({ length: 64 }, (_, index) => index),
      inMs(10_000),
    );
    await watched.ended(64);
    const answers = await watched.lanes.answers();
    assert.is(peer.connections, 64, 'nothing connected between re-warming and acknowledgement');
    assert.is(new Set(peer.snapshots.map(({ connection }) => connection)).size, 64);
    for (const [index, found] of answers.entries()) {
      assert.is(found.target, index);
      assert.is(found.snapshot, SNAPSHOT_TIME);
      assert.is(found.attempts, 1);
      assert.is(found.mayHaveOrphan, false);
      assert.ok((found.firedNs ?? 0n) <= (found.acknowledgedNs ?? 0n));
      assert.equal(watched.kinds(index), ['acknowledged']);
    }
  });
}

test('the request on the wire: path and SAS byte for byte, nothing in the body', async () => {
  await using peer = await Peer.start(trusted);
  await snapshotOne(peer.origin, {
    metadata: [
      ['Backup_Key', 'a value, with = and %'],
      ['other', ''],
    ],
  });
  const [request] = peer.snapshots;
  assert.is(request?.method, 'PUT');
  assert.is(request?.path, `/disks/disk0.vhd?${SAS}&comp=snapshot`);
  assert.equal(
    [...(request?.headerLines ?? [])].sort(),
    [
      `host: ${new URL(peer.origin).host}`,
      'connection: keep-alive',
      'content-length: 0',
      'x-ms-client-request-id: task_1/0',
      'x-ms-meta-Backup_Key: a value, with = and %',
      'x-ms-meta-other: ',
      'x-ms-version: 2018-03-28',
    ].sort(),
  );
});

test('the settings of an encrypted disk are added to given metadata', async () => {
  const settings = { 'x-ms-meta-DiskEncryptionSettings': '{"a": 1}' };
  const head = answer(206, { 'content-range': 'bytes 0-3/4', ...settings }, 'head');
  await using peer = await Peer.start(trusted, { head });
  await snapshotOne(peer.origin, { metadata: [['k', 'v']] });
  assert.is(peer.snapshots[0]?.headers.get('x-ms-meta-diskencryptionsettings'), '{"a": 1}');
  await snapshotOne(peer.origin);
  assert.is(peer.snapshots[1]?.headers.has('x-ms-meta-diskencryptionsettings'), false);
});

test('a connection that was closed while idle is replaced by re-warming', async () => {
  await using peer = await Peer.start(trusted);
  await using watched = await WatchedLanes.open(targets(peer.origin, 4));
  await watched.lanes.preflight();
  // After a second answer: the peer does not close after every answer.
  await watched.lanes.rewarm();
  await peer.closeIdle();
  const warm = await watched.lanes.rewarm();
  assert.ok(warm.every((found) => found.ok && found.warm));
  assert.is(peer.connections, 8);
  watched.lanes.fire([0, 1, 2, 3], inMs(5_000));
  await watched.ended(4);
  assert.is(peer.connections, 8);
  assert.ok((await watched.lanes.answers()).every((found) => found.attempts === 1));
});

test('a connection whose peer is gone without closing it is replaced by re-warming', async () => {
  await using peer = await Peer.start(trusted);
  await using watched = await WatchedLanes.open(targets(peer.origin, 2), {
    rewarmTimeoutMs: 3_000,
  });
  await watched.lanes.preflight();
  peer.goSilent();
  const warm = await watched.lanes.rewarm();
  assert.ok(warm.every((found) => found.ok && found.warm));
  assert.is(peer.connections, 4);
});

test('a server that hints at two seconds of keep-alive gets its snapshot over the warm connection', async () => {
  const hint = { 'keep-alive': 'timeout=2' };
  await using peer = await Peer.start(trusted, { firstByte: answer(206, hint, 'h') });
  const { answer: found } = await snapshotOne(peer.origin);
  assert.is(found.snapshot, SNAPSHOT_TIME);
  assert.is(peer.connections, 1);
});

test('a server that closes after every answer is reported as not warm, and still used', async () => {
  const close = answer(206, { connection: 'close' }, 'h');
  await using peer = await Peer.start(trusted, { firstByte: close });
  await using watched = await WatchedLanes.open(targets(peer.origin, 1));
  await watched.lanes.preflight();
  assert.equal(await watched.lanes.rewarm(), [{ ok: true, target: 0, warm: false }]);
  watched.lanes.fire([0], inMs(5_000));
  await watched.ended(1);
  assert.equal(watched.kinds(0), ['acknowledged']);
});

test('blobs are fired one by one as their disks become ready', async () => {
  await using peer = await Peer.start(trusted);
  await using watched = await WatchedLanes.open(targets(peer.origin, 3));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([2], inMs(5_000));
  await watched.ended(1);
  watched.lanes.fire([0, 2], inMs(5_000));
  await watched.ended(2);
  const answers = await watched.lanes.answers();
  assert.equal(
    answers.map(({ attempts }) => attempts),
    [1, 0, 1],
    'the second one never, the third not twice',
  );
  assert.is(answers[1]?.failure?.kind, 'aborted');
  assert.match(answers[1]?.failure?.message ?? '', 'no request was sent, because');
  assert.is(answers[1]?.mayHaveOrphan, false);
});

test('abort cuts a request that is under way, which may have left a snapshot', async () => {
  const arrived = Promise.withResolvers<void>();
  await using peer = await Peer.start(trusted, { snapshot: () => arrived.resolve() });
  await using watched = await WatchedLanes.open(targets(peer.origin, 2));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(20_000));
  await arrived.promise;
  watched.lanes.abort();
  watched.lanes.fire([1], inMs(20_000));
  await watched.ended(2);
  const [first, second] = await watched.lanes.answers();
  assert.equal([first?.failure?.kind, first?.mayHaveOrphan], ['aborted', true]);
  assert.equal([second?.failure?.kind, second?.attempts], ['aborted', 0]);
  assert.match(first?.failure?.message ?? '', 'the request was cancelled');
  assert.match(second?.failure?.message ?? '', 'no request was sent');
  assert.is(peer.snapshots.length, 1);
});

test('when the answers are there, every end has been told, also of requests that ended in the same turn', async () => {
  await using peer = await Peer.start(trusted, { snapshot: saySilent });
  await using watched = await WatchedLanes.open(targets(peer.origin, 20));
  const all = [...new Array(20).keys()];
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire(all, inMs(20_000));
  watched.lanes.abort();
  const answers = await watched.lanes.answers();
  assert.equal(
    all.map((target) => watched.kinds(target).at(-1)),
    new Array(20).fill('failed'),
  );
  // Also those whose turn had not come.
  assert.ok(answers.every(({ failure }) => failure?.kind === 'aborted'));
});

test('the rehearsal of the snapshot request reaches no service and tells of no snapshot', async () => {
  await using peer = await Peer.start(trusted, { snapshot: answerSnapshot });
  await using watched = await WatchedLanes.open(targets(peer.origin, 3));
  await watched.lanes.preflight();
  const answers = await watched.lanes.answers();
  assert.equal(
    answers.map(({ attempts, snapshot }) => [attempts, snapshot]),
    new Array(3).fill([0, undefined]),
  );
  await watched.lanes.rewarm();
  assert.is(peer.snapshots.length, 0);
  assert.equal(watched.events, []);
});

test('a request that is cancelled after its deadline is named as late, even if its own timer has not run', async () => {
  await using peer = await Peer.start(trusted, { snapshot: saySilent });
  await using watched = await WatchedLanes.open(targets(peer.origin, 1));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(-1));
  watched.lanes.abort();
  await watched.ended(1);
  const [answer] = await watched.lanes.answers();
  assert.is(answer?.failure?.kind, 'timeout');
});

test('re-warming begins a new round, in which everything can be fired again', async () => {
  const arrived = Promise.withResolvers<void>();
  const inSilence = (): void => arrived.resolve();
  await using peer = await Peer.start(trusted, { snapshot: inTurn(inSilence, answerSnapshot) });
  await using watched = await WatchedLanes.open(targets(peer.origin, 1));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(20_000));
  await arrived.promise;
  watched.lanes.abort();
  assert.is((await watched.lanes.answers())[0]?.mayHaveOrphan, true);
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(5_000));
  await watched.ended(2);
  assert.equal(watched.kinds(0), ['failed', 'acknowledged']);
  const [again] = await watched.lanes.answers();
  assert.equal([again?.snapshot, again?.mayHaveOrphan], [SNAPSHOT_TIME, false]);
});

test('what the head of a blob shows, and its size, come with the preflight', async () => {
  const btrfs = recordedHead('btrfs-1');
  const whole = answer(200, {}, Buffer.concat([btrfs, Buffer.alloc(200_000)]));
  const empty = answer(416, { 'content-range': 'bytes */0' });
  const short = answer(206, { 'content-range': 'bytes 0-2/3' }, 'abc');
  await using peer = await Peer.start(trusted, {
    head: (request) => {
      const script = [answerHead, whole, empty, short][Number(/disk(\d)/.exec(request.path)?.[1])];
      script?.(request);
    },
  });
  await using lanes = await BlobLanes.open(targets(peer.origin, 4));
  const found = await lanes.preflight();
  assert.equal(
    found.map((one) => one.ok && [one.head.identity, one.sizeBytes]),
    [
      [{ state: 'unrecognized' }, 1_073_741_824],
      [identify(btrfs), btrfs.length + 200_000],
      [{ state: 'unreadable', reason: 'nothing could be read' }, 0],
      [{ state: 'unrecognized' }, 3],
    ],
  );
  assert.is(peer.requests[0]?.headers.get('range'), 'bytes=0-69631');
  assert.ok((await lanes.rewarm()).every((one) => one.ok && one.warm));
  // That of the blob with more bytes was cut as soon as it had sent enough.
  assert.is(peer.connections, 5);
});

test('without targets there is no lane', async () => {
  await using lanes = await BlobLanes.open([]);
  assert.equal(await lanes.preflight(), []);
  assert.equal(await lanes.rewarm(), []);
  lanes.fire([], inMs(100));
  assert.equal(await lanes.answers(), []);
});

test.run();
