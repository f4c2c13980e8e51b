import * as assert from 'uvu/assert';
import type { SnapshotAnswer } from '../../../src/snapshot/snapshot-types.ts';
import { inTime } from '../../in-time.ts';
import { suite } from '../../suite.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import {
  answerSnapshot,
  inTurn,
  Peer,
  type PeerRequest,
  refuse,
  type Script,
  SNAPSHOT_TIME,
  saySilent,
} from './fixtures/peer.ts';
import { inMs, targets, WatchedLanes } from './fixtures/window.ts';

const { trusted } = trustOwnAuthority(import.meta.filename);
const test = suite('second request after a silent one');

const RATE_EXCEEDED = refuse(409, 'SnapshotOperationRateExceeded');

/** One window for one blob whose first request gets an answer only when the second one is in. */
async function answerBoth(
  both: (first: PeerRequest, second: PeerRequest) => void,
): Promise<SnapshotAnswer | undefined> {
  let first: PeerRequest | undefined;
  const snapshot: Script = (request) => {
    if (first === undefined) {
      first = request;
    } else {
      both(first, request);
    }
  };
  await using peer = await Peer.start(trusted, { snapshot });
  await using watched = await WatchedLanes.open(targets(peer.origin, 1));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(600_000));
  await watched.ended(1);
  assert.equal(watched.kinds(0), ['acknowledged']);
  const [found] = await watched.lanes.answers();
  return found;
}

test('if the first request is answered after all, its answer counts', async () => {
  const found = await answerBoth((first) => answerSnapshot(first));
  assert.is(found?.snapshot, SNAPSHOT_TIME);
  assert.is(found?.mayHaveOrphan, true, 'the second request may still take effect');
});

test('a refusal of the second request does not end the first one', async () => {
  const found = await answerBoth((first, second) => {
    RATE_EXCEEDED(second);
    setTimeout(answerSnapshot, 200, first);
  });
  assert.is(found?.snapshot, SNAPSHOT_TIME);
  assert.is(found?.mayHaveOrphan, false);
});

test('a connection that breaks after the second request left is not tried once more', async () => {
  const found = await answerBoth((first, second) => {
    first.socket.destroy();
    setTimeout(answerSnapshot, 200, second);
  });
  assert.is(found?.snapshot, SNAPSHOT_TIME);
  assert.is(found?.attempts, 2);
});

/** What became of a blob that never answers and of one whose second request is refused, and whether both are warm again. */
async function askSilent(patienceS: number) {
  await using peer = await Peer.start(trusted, {
    snapshot: (request) =>
      request.path.includes('disk0.')
        ? saySilent(request)
        : inTurn(saySilent, RATE_EXCEEDED)(request),
  });
  await using watched = await WatchedLanes.open(targets(peer.origin, 2), {
    patienceMs: patienceS * 1_000,
  });
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0, 1], inMs(600_000));
  await watched.ended(2);
  const [silent, refused] = await watched.lanes.answers();
  return { silent, refused, warm: await watched.lanes.rewarm() };
}

test('two silent requests end with the patience, with the refusal if one of them got one', async () => {
  const { silent, refused, warm } = await inTime(
    3,
    askSilent,
    (found) => found.silent?.attempts === 2 && found.refused?.failure?.serviceCode !== undefined,
  );
  assert.equal([silent?.failure?.kind, silent?.attempts], ['timeout', 2]);
  assert.is(refused?.failure?.serviceCode, 'SnapshotOperationRateExceeded');
  assert.equal([silent?.mayHaveOrphan, refused?.mayHaveOrphan], [true, true]);
  assert.ok(
    warm.every((found) => found.ok && found.warm),
    'the connections are made again',
  );
});

async function askBusy(patienceS: number): Promise<SnapshotAnswer | undefined> {
  await using peer = await Peer.start(trusted, { snapshot: refuse(503, 'ServerBusy') });
  await using watched = await WatchedLanes.open(targets(peer.origin, 1), {
    patienceMs: patienceS * 1_000,
  });
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  watched.lanes.fire([0], inMs(600_000));
  await watched.ended(1);
  return (await watched.lanes.answers())[0];
}

test('a service that stays busy is asked until the patience ends', async () => {
  const found = await inTime(3, askBusy, (it) => (it?.attempts ?? 0) > 8);
  assert.ok((found?.attempts ?? 0) > 8, `${found?.attempts} tries`);
  assert.is(found?.httpStatus, 503);
  assert.is(found?.mayHaveOrphan, false);
});

test.run();
