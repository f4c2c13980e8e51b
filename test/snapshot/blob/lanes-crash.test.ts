import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { suite } from '../../suite.ts';
import { trustOwnAuthority } from './fixtures/authority.ts';
import { hurtThreads } from './fixtures/fragile.ts';
import { Peer, saySilent } from './fixtures/peer.ts';
import { inMs, targets, WatchedLanes } from './fixtures/window.ts';

const FRAGILE = new URL('fixtures/fragile.ts', import.meta.url).href;
const { trusted } = trustOwnAuthority(import.meta.filename, ['--import', FRAGILE]);
const test = suite('threads of lanes that die');

for (const how of ['throw', 'exit'] as const) {
  test(`targets of a thread that ends by ${how} fail at once, fired or not`, async () => {
    let threads = 0;
    const count = (): void => {
      threads += 1;
    };
    process.on('worker', count);
    const arrived = Promise.withResolvers<void>();
    await using peer = await Peer.start(trusted, { snapshot: () => arrived.resolve() });
    await using watched = await WatchedLanes.open(targets(peer.origin, 3));
    await watched.lanes.preflight();
    await watched.lanes.rewarm();
    watched.lanes.fire([0], inMs(25_000));
    await arrived.promise;
    hurtThreads(how);
    await watched.ended(3);
    assert.equal(
      [0, 1, 2].map((index) => watched.kinds(index)),
      [['failed'], ['failed'], ['failed']],
    );
    watched.lanes.fire([1], inMs(25_000));
    await watched.ended(4);
    const answers = await watched.lanes.answers();
    assert.equal(
      answers.map(({ failure, mayHaveOrphan }) => [failure?.kind, mayHaveOrphan]),
      [
        ['aborted', true],
        ['aborted', true],
        ['aborted', false],
      ],
    );
    assert.ok((await watched.lanes.preflight()).every(({ ok }) => !ok));
    assert.ok((await watched.lanes.rewarm()).every(({ ok }) => !ok));
    process.off('worker', count);
    assert.is(threads, 1, 'a thread that died is not replaced');
  });
}

test('a thread that dies while it starts ends the run before anything is requested or frozen', async () => {
  const hurting = setInterval(() => hurtThreads('throw'), 1);
  try {
    await using _watched = await WatchedLanes.open(targets('https://127.0.0.1:1', 2));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    assert.is((error as FlashfreezeError).code, 'FF_SNAPSHOT_FAILED');
    assert.match((error as FlashfreezeError).message, '(hurt); nothing was frozen');
  } finally {
    clearInterval(hurting);
  }
});

test('a thread that hangs is given up shortly after the deadline', async () => {
  await using peer = await Peer.start(trusted, { snapshot: saySilent });
  await using watched = await WatchedLanes.open(targets(peer.origin, 2));
  await watched.lanes.preflight();
  await watched.lanes.rewarm();
  hurtThreads('hang');
  watched.lanes.fire([0, 1], inMs(300));
  await watched.ended(2);
  const [found] = await watched.lanes.answers();
  assert.equal([found?.failure?.kind, found?.mayHaveOrphan], ['aborted', true]);
});

test('a thread that hangs or is gone does not prevent the lanes from being closed', async () => {
  await using peer = await Peer.start(trusted);
  const watched = await WatchedLanes.open(targets(peer.origin, 4), { lanes: 2 });
  await watched.lanes.preflight();
  hurtThreads('hang');
  await watched[Symbol.asyncDispose]();
  assert.is(watched.events.length, 0);
});

test.run();
