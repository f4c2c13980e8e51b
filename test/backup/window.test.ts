import { mock } from 'node:test';
import * as assert from 'uvu/assert';
import type { ScheduleInput } from '../../src/backup/schedule/schedule-types.ts';
import { type DiskWatch, FreezeWindow, GIVE_UP_MS } from '../../src/backup/window.ts';
import type { WindowEffects } from '../../src/backup/window-effects.ts';
import { suite } from '../suite.ts';

const test = suite('freeze window');
const INPUT: ScheduleInput = {
  fileSystems: [
    { awaits: [0], thawsAfter: [] },
    { awaits: [1], thawsAfter: [] },
  ],
  targets: [{ needs: [0] }, { needs: [1] }],
  sequential: false,
  waves: [[0, 1]],
};

const NO_WATCH: DiskWatch = {
  beforeRequests: () => {},
  atBarrier: () => {},
  afterAnswers: () => {},
};

/** Notes what the window did, as `freeze 0 1`. */
class Diary implements WindowEffects {
  readonly lines: string[] = [];
  readonly #awaited = new Map<string, () => void>();
  freeze = (fileSystems: readonly number[]): void => this.#note('freeze', fileSystems);
  thaw = (fileSystems: readonly number[]): void => this.#note('thaw', fileSystems);
  fire = (targets: readonly number[]): void => this.#note('fire', targets);
  cancelRequests = (): void => this.#note('cancel', []);
  atBarrier = (): void => this.#note('barrier', []);
  #note(what: string, indexes: readonly number[]): void {
    const line = [what, ...indexes].join(' ');
    this.lines.push(line);
    this.#awaited.get(line)?.();
  }

  /** Resolves when the line is noted. */
  async next(line: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited.set(line, resolve);
    await promise;
  }
}

const frozen = (fileSystem: number, endNs: bigint, startNs = 1n) =>
  ({ kind: 'frozen', fileSystem, startNs, endNs }) as const;
const thawed = (fileSystem: number, wasFrozen = true) =>
  ({ kind: 'thawed', fileSystem, wasFrozen, startNs: 8n, endNs: 9n }) as const;

test('reads the write counters before requests leave, at the barrier, and after each answer, before the thaw', async () => {
  const diary = new Diary();
  const note =
    (what: string) =>
    (targets: readonly number[]): void => {
      diary.lines.push([what, ...targets].join(' '));
    };
  const watch: DiskWatch = {
    beforeRequests: note('look-before'),
    atBarrier: note('look-at-barrier'),
    afterAnswers: note('look-after'),
  };
  const window = new FreezeWindow(INPUT, diary, watch, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(1, 3n));
  window.onFreezerEvent(frozen(0, 5n));
  window.onSnapshotEvent({ kind: 'acknowledged', target: 0, atNs: 6n });
  window.onSnapshotEvent({ kind: 'failed', target: 1, atNs: 7n });
  window.onFreezerEvent(thawed(0));
  window.onFreezerEvent(thawed(1));
  await ended;
  assert.equal(diary.lines, [
    ...['freeze 0 1', 'look-before 0 1', 'fire 0 1', 'look-at-barrier', 'barrier'],
    ...['look-after 0', 'thaw 0', 'look-after 1', 'thaw 1'],
  ]);
});

test('fires at the barrier, reports it, thaws each file system after its answer', async () => {
  const diary = new Diary();
  const window = new FreezeWindow(INPUT, diary, NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(1, 3n));
  window.onFreezerEvent(frozen(0, 5n));
  window.onSnapshotEvent({ kind: 'acknowledged', target: 0, atNs: 6n });
  window.onSnapshotEvent({ kind: 'acknowledged', target: 1, atNs: 7n });
  window.onFreezerEvent(thawed(0));
  window.onFreezerEvent(thawed(1));
  const record = await ended;
  assert.equal(diary.lines, ['freeze 0 1', 'fire 0 1', 'barrier', 'thaw 0', 'thaw 1']);
  assert.is(record.barrier?.atNs, 5n);
  assert.equal(record.end, { kind: 'completed' });
  assert.is(record.fileSystems[0]?.thawedNs, 9n);
});

test('first fires the disk whose file system has been frozen for longest', async () => {
  const diary = new Diary();
  const window = new FreezeWindow(INPUT, diary, NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(0, 5n, 2n));
  window.onFreezerEvent(frozen(1, 6n, 1n));
  assert.equal(diary.lines, ['freeze 0 1', 'fire 1 0', 'barrier']);
  window.abort({ kind: 'signal', signal: 'SIGTERM' });
  for (const index of [0, 1]) {
    window.onFreezerEvent(thawed(index));
    window.onSnapshotEvent({ kind: 'failed', target: index, atNs: 6n });
  }
  await ended;
});

test('does not let a disk wait for a freeze that is slow', async () => {
  const diary = new Diary();
  const window = new FreezeWindow(INPUT, diary, NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(1, 3n));
  assert.equal(diary.lines, ['freeze 0 1']);
  await diary.next('fire 1');
  window.onFreezerEvent(frozen(0, 5n));
  assert.equal(diary.lines, ['freeze 0 1', 'fire 1', 'fire 0', 'barrier']);
  window.abort({ kind: 'signal', signal: 'SIGTERM' });
  window.onFreezerEvent(thawed(0));
  window.onFreezerEvent(thawed(1));
  window.onSnapshotEvent({ kind: 'failed', target: 0, atNs: 6n });
  window.onSnapshotEvent({ kind: 'failed', target: 1, atNs: 6n });
  await ended;
});

test('names the file systems that were stuck when the deadline passed', async () => {
  const diary = new Diary();
  const window = new FreezeWindow(INPUT, diary, NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(0, 3n));
  await diary.next('fire 0');
  window.onFreezerEvent({ kind: 'expired', atNs: 4n });
  window.onFreezerEvent(thawed(0));
  window.onFreezerEvent(frozen(1, 6n));
  window.onFreezerEvent(thawed(1));
  window.onSnapshotEvent({ kind: 'failed', target: 0, atNs: 9n });
  const record = await ended;
  assert.equal(record.end, { kind: 'deadline', stuck: [1] });
  assert.equal(diary.lines, ['freeze 0 1', 'fire 0', 'thaw 0 1', 'cancel']);
  assert.is(record.barrier, undefined);
});

test('ends without a system call that never returns, some time after the abort', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const window = new FreezeWindow(INPUT, new Diary(), NO_WATCH, []);
    const ended = window.run();
    window.onFreezerEvent(frozen(0, 3n));
    window.onFreezerEvent({ kind: 'expired', atNs: 4n });
    window.onFreezerEvent(thawed(0));
    mock.timers.tick(GIVE_UP_MS);
    assert.equal((await ended).end, { kind: 'deadline', stuck: [1] });
  } finally {
    mock.timers.reset();
  }
});

test('an abort before the window began leaves no timer that keeps the process', () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const window = new FreezeWindow(INPUT, new Diary(), NO_WATCH, []);
  window.abort({ kind: 'signal', signal: 'SIGTERM' });
  window.abort({ kind: 'signal', signal: 'SIGINT' });
  assert.is(timers(), before);
});

test('a freeze that was cancelled is not the reason if the deadline or the guardian gives one', async () => {
  for (const event of [
    { kind: 'expired', atNs: 4n },
    { kind: 'guardian-lost', atNs: 4n },
  ] as const) {
    const diary = new Diary();
    const window = new FreezeWindow({ ...INPUT, waves: [[0], [1]] }, diary, NO_WATCH, []);
    diary.freeze = (fileSystems) => {
      if (fileSystems.includes(1)) {
        throw new Error('not armed');
      }
    };
    const ended = window.run();
    window.onFreezerEvent(frozen(0, 3n));
    window.onFreezerEvent(event);
    window.onFreezerEvent(thawed(0));
    const { end } = await ended;
    assert.is(end.kind, event.kind === 'expired' ? 'deadline' : event.kind);
  }
});

test('a freeze that was cancelled is the reason if there is no other', async () => {
  const diary = new Diary();
  diary.freeze = () => {
    throw new Error('not armed');
  };
  const { end } = await new FreezeWindow(INPUT, diary, NO_WATCH, []).run();
  assert.equal(end, { kind: 'freeze-failed', fileSystem: 0, errno: 'ECANCELED' });
});

test('reports a foreign thaw as such', async () => {
  const window = new FreezeWindow(INPUT, new Diary(), NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(0, 3n));
  window.onFreezerEvent(frozen(1, 3n));
  window.onSnapshotEvent({ kind: 'acknowledged', target: 0, atNs: 6n });
  window.onSnapshotEvent({ kind: 'acknowledged', target: 1, atNs: 6n });
  window.onFreezerEvent(thawed(0, false));
  window.onFreezerEvent(thawed(1));
  assert.equal((await ended).end, { kind: 'thawed-by-others', fileSystem: 0 });
});

test('ends if the deadline cannot be moved at the barrier because the guardian is gone', async () => {
  const diary = new Diary();
  diary.atBarrier = (): void => {
    throw new Error('not guarded');
  };
  const window = new FreezeWindow(INPUT, diary, NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(0, 3n));
  window.onFreezerEvent(frozen(1, 3n));
  window.onFreezerEvent(thawed(0));
  window.onFreezerEvent(thawed(1));
  window.onSnapshotEvent({ kind: 'failed', target: 0, atNs: 9n });
  window.onSnapshotEvent({ kind: 'failed', target: 1, atNs: 9n });
  assert.equal((await ended).end, { kind: 'guardian-lost' });
  assert.ok(diary.lines.includes('thaw 0 1'));
});

test('keeps the first reason if several things go wrong', async () => {
  const window = new FreezeWindow(INPUT, new Diary(), NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent({
    kind: 'freeze-failed',
    fileSystem: 0,
    errno: 'EBUSY',
    startNs: 1n,
    endNs: 2n,
  });
  window.abort({ kind: 'signal', signal: 'SIGTERM' });
  window.onFreezerEvent(frozen(1, 3n));
  window.onFreezerEvent(thawed(1));
  assert.is((await ended).end.kind, 'freeze-failed');
});

test('an event after the end does not keep the process alive', async () => {
  const window = new FreezeWindow(INPUT, new Diary(), NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(0, 3n));
  window.onFreezerEvent(frozen(1, 3n));
  window.onSnapshotEvent({ kind: 'acknowledged', target: 0, atNs: 6n });
  window.onSnapshotEvent({ kind: 'acknowledged', target: 1, atNs: 6n });
  window.onFreezerEvent(thawed(0));
  window.onFreezerEvent(thawed(1));
  assert.is((await ended).end.kind, 'completed');
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  window.onFreezerEvent({ kind: 'guardian-lost', atNs: 10n });
  assert.is(timers(), before);
});

test('keeps when a request failed and when a freeze was refused', async () => {
  const diary = new Diary();
  const window = new FreezeWindow(INPUT, diary, NO_WATCH, []);
  const ended = window.run();
  window.onFreezerEvent(frozen(0, 2n));
  window.onFreezerEvent(frozen(1, 3n));
  window.onSnapshotEvent({ kind: 'failed', target: 0, atNs: 5n });
  window.onSnapshotEvent({ kind: 'acknowledged', target: 1, atNs: 6n });
  window.onFreezerEvent(thawed(0));
  window.onFreezerEvent(thawed(1));
  assert.equal([...((await ended).failedNs ?? [])], [[0, 5n]]);
  const other = new FreezeWindow(INPUT, diary, NO_WATCH, []);
  const refused = other.run();
  other.onFreezerEvent(frozen(0, 2n));
  other.onFreezerEvent({
    kind: 'freeze-failed',
    fileSystem: 1,
    errno: 'EIO',
    startNs: 1n,
    endNs: 4n,
  });
  other.onFreezerEvent(thawed(0));
  assert.is((await refused).fileSystems[1]?.freezeFailedNs, 4n);
});

test.run();
