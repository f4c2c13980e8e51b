/**
 * A run of flashfreeze that tells every step of its window: reads a RecordedRequest on standard input,
 * prints a RecordedRun. The run's own record has the stamps of the system calls and of the requests;
 * when the main thread heard of each step and asked for the next is noted here, around its methods.
 */
import { text } from 'node:stream/consumers';
import type { BackupRecord } from '../../src/backup/record.ts';
import type { BackupRequest } from '../../src/backup/request.ts';
import { backup } from '../../src/backup/run.ts';
import { FreezeWindow } from '../../src/backup/window.ts';
import { Freezer } from '../../src/freezer/freezer.ts';
import { BlobLanes } from '../../src/snapshot/blob/lanes.ts';
import {
  type Role,
  sumOf,
  type ThreadTime,
  threadTimes,
  timesBetween,
} from '../../src/system/thread-times.ts';
import { millisecondsOf } from '../probe/figures.ts';
import { backupRequest } from './backup-request.ts';
import type { ProcessorTime, RecordedDisk, RecordedRequest, RecordedRun } from './recorded.ts';

type Stamps = Map<number, bigint>;

/** When the window was begun: from here on the freeze is asked for. */
let begunNs = 0n;
/** Of the processes that were asked for. */
let watched: ProcessorTime[] = [];

const NAMES: Readonly<Record<Role, string>> = {
  main: 'main thread',
  freezer: 'native threads: freeze, thaw',
  requests: 'lanes',
  runtime: 'V8’s helpers',
};

/** By file system or target; the last word counts. */
const heardFrozen: Stamps = new Map();
const heardAcknowledged: Stamps = new Map();
const askedFire: Stamps = new Map();
const askedThaw: Stamps = new Map();

function noteCalls(): void {
  const { run, onFreezerEvent, onSnapshotEvent } = FreezeWindow.prototype;
  FreezeWindow.prototype.run = async function () {
    const before = request.processorTimes ? watchedTimes('main-last') : undefined;
    begunNs = process.hrtime.bigint();
    const window = await run.call(this);
    watched = before === undefined ? [] : watchedBetween(before, watchedTimes('main-first'));
    return window;
  };
  FreezeWindow.prototype.onFreezerEvent = function (event) {
    if (event.kind === 'frozen') {
      heardFrozen.set(event.fileSystem, process.hrtime.bigint());
    }
    onFreezerEvent.call(this, event);
  };
  FreezeWindow.prototype.onSnapshotEvent = function (event) {
    if (event.kind === 'acknowledged') {
      heardAcknowledged.set(event.target, process.hrtime.bigint());
    }
    onSnapshotEvent.call(this, event);
  };
  const { thaw } = Freezer.prototype;
  Freezer.prototype.thaw = function (indexes) {
    noteAll(askedThaw, indexes);
    thaw.call(this, indexes);
  };
  const { fire } = BlobLanes.prototype;
  BlobLanes.prototype.fire = function (targets, deadlineNs) {
    noteAll(askedFire, targets);
    fire.call(this, targets, deadlineNs);
  };
}

function watchedTimes(order: 'main-first' | 'main-last'): ThreadTime[][] {
  return Object.values(request.watch).map((pid) => threadTimes(pid, order));
}

function watchedBetween(
  before: readonly (readonly ThreadTime[])[],
  after: readonly (readonly ThreadTime[])[],
): ProcessorTime[] {
  return Object.keys(request.watch).map((who, index) => ({
    who,
    ...sumOf(timesBetween(before[index] ?? [], after[index] ?? [])),
  }));
}

function noteAll(stamps: Stamps, indexes: readonly number[]): void {
  const atNs = process.hrtime.bigint();
  for (const index of indexes) {
    stamps.set(index, atNs);
  }
}

function askedFor({ urls, fire, lanes, settle, startAt }: RecordedRequest): BackupRequest {
  return backupRequest(urls, {
    ...(fire === undefined ? {} : { fire }),
    settle: settle ?? true,
    startAt: startAt === undefined ? undefined : new Date(startAt),
    lanes,
  });
}

/** In the order of the URLs; a disk of the lab has one file system. */
function recordedDisks({ disks, fileSystems, plan }: BackupRecord): RecordedDisk[] {
  return disks.map(({ answer, fileSystems: [index = -1] }, target) => {
    const times = fileSystems[index];
    return {
      mountPoint: plan.fileSystems[index]?.mountPoint ?? '',
      askedFreezeMs: stamp(begunNs),
      freezeStartMs: stamp(times?.freezeStartNs),
      frozenMs: stamp(times?.frozenNs),
      heardFrozenMs: stamp(heardFrozen.get(index)),
      askedFireMs: stamp(askedFire.get(target)),
      firedMs: stamp(answer.firedNs),
      acknowledgedMs: stamp(answer.acknowledgedNs),
      heardAcknowledgedMs: stamp(heardAcknowledged.get(target)),
      askedThawMs: stamp(askedThaw.get(index)),
      thawStartMs: stamp(times?.thawStartNs),
      thawedMs: stamp(times?.thawedNs),
    };
  });
}

function stamp(ns: bigint | undefined): number {
  return ns === undefined ? 0 : millisecondsOf(ns);
}

/**
 * What CLOCK_REALTIME shows more than CLOCK_MONOTONIC, to some µs: Date.now() has whole milliseconds
 * only, so it is caught in the act of changing.
 */
function realtimeOffsetMs(): number {
  const before = Date.now();
  let now = Date.now();
  while (now === before) {
    now = Date.now();
  }
  return now - millisecondsOf(process.hrtime.bigint());
}

const request = JSON.parse(await text(process.stdin)) as RecordedRequest;
noteCalls();
const silent = { phaseBegins: () => {}, phaseEnds: () => {}, warn: () => {} };
const record = await backup(askedFor(request), silent, new AbortController().signal);
const recorded: RecordedRun = {
  ok: record.end.kind === 'completed' && record.disks.every(({ answer }) => answer.snapshot),
  end: record.end.kind,
  barrierMs: stamp(record.barrier?.atNs),
  realtimeOffsetMs: Math.min(...Array.from({ length: 5 }, realtimeOffsetMs)),
  disks: recordedDisks(record),
  cpu: [
    ...(record.threads ?? []).map(({ role, ...time }) => ({ who: NAMES[role], ...time })),
    ...watched,
  ],
};
process.stdout.write(JSON.stringify(recorded));
