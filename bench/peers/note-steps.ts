/**
 * Loaded into the command before its program (`node --import`), notes what the command itself does not print: when its main
 * thread heard of each step and asked for the next one, and the stamps of the system calls and requests. The figures are
 * written to a file when the command ends.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { FreezeWindow, type WindowRecord } from '../../src/backup/window.ts';
import { Freezer } from '../../src/freezer/freezer.ts';
import { Lanes } from '../../src/snapshot/blob/lanes.ts';
import type { SnapshotAnswer } from '../../src/snapshot/snapshot-types.ts';
import {
  sumOf,
  type ThreadTime,
  threadTimes,
  timesBetween,
} from '../../src/system/thread-times.ts';
import { millisecondsOf } from '../probe/figures.ts';
import type { NotedSteps, NoteRequest, ProcessorTime } from './recorded.ts';

/** By file system or target, in ms of CLOCK_MONOTONIC; the last one counts. */
type Stamps = number[];

class StepNotes {
  readonly #request: NoteRequest;
  readonly #heardFrozen: Stamps = [];
  readonly #heardAcknowledged: Stamps = [];
  readonly #askedFire: Stamps = [];
  readonly #askedThaw: Stamps = [];
  #begunMs = 0;
  #record: WindowRecord | undefined;
  #answers: readonly SnapshotAnswer[] = [];
  #watched: readonly ProcessorTime[] = [];

  constructor(request: NoteRequest) {
    this.#request = request;
  }

  noteWindow(window: FreezeWindow): void {
    const { run, onFreezerEvent, onSnapshotEvent } = window;
    const notes = this;
    const { watch, processorTimes } = this.#request;
    window.run = async function () {
      const before = processorTimes ? timesOf(watch, 'main-last') : undefined;
      notes.#begunMs = nowMs();
      notes.#record = await run.call(this);
      notes.#watched = before === undefined ? [] : timesSince(before, watch);
      return notes.#record;
    };
    window.onFreezerEvent = function (event) {
      if (event.kind === 'frozen') {
        notes.#heardFrozen[event.fileSystem] = nowMs();
      }
      onFreezerEvent.call(this, event);
    };
    window.onSnapshotEvent = function (event) {
      if (event.kind === 'acknowledged') {
        notes.#heardAcknowledged[event.target] = nowMs();
      }
      onSnapshotEvent.call(this, event);
    };
  }

  noteThaws(freezer: Freezer): void {
    const { thaw } = freezer;
    const asked = this.#askedThaw;
    freezer.thaw = function (indexes) {
      noteAll(asked, indexes);
      thaw.call(this, indexes);
    };
  }

  noteRequests(lanes: Lanes): void {
    const { fire, answers } = lanes;
    const notes = this;
    lanes.fire = function (targets, deadlineNs) {
      noteAll(notes.#askedFire, targets);
      fire.call(this, targets, deadlineNs);
    };
    lanes.answers = async function () {
      notes.#answers = await answers.call(this);
      return notes.#answers;
    };
  }

  write(): void {
    const noted: NotedSteps = {
      begunMs: this.#begunMs,
      barrierMs: stamp(this.#record?.barrier?.atNs),
      realtimeOffsetMs: Math.min(...Array.from({ length: 5 }, realtimeOffsetMs)),
      fileSystems: (this.#record?.fileSystems ?? []).map((times, index) => ({
        freezeStartMs: stamp(times.freezeStartNs),
        frozenMs: stamp(times.frozenNs),
        heardFrozenMs: this.#heardFrozen[index] ?? 0,
        askedThawMs: this.#askedThaw[index] ?? 0,
        thawStartMs: stamp(times.thawStartNs),
        thawedMs: stamp(times.thawedNs),
      })),
      disks: this.#answers.map(({ firedNs, acknowledgedNs }, target) => ({
        askedFireMs: this.#askedFire[target] ?? 0,
        firedMs: stamp(firedNs),
        acknowledgedMs: stamp(acknowledgedNs),
        heardAcknowledgedMs: this.#heardAcknowledged[target] ?? 0,
      })),
      watched: this.#watched,
    };
    writeFileSync(this.#request.path, JSON.stringify(noted));
  }
}

function noteAll(stamps: Stamps, indexes: readonly number[]): void {
  const atMs = nowMs();
  for (const index of indexes) {
    stamps[index] = atMs;
  }
}

type Watch = NoteRequest['watch'];

function timesOf(watch: Watch, order: 'main-first' | 'main-last'): ThreadTime[][] {
  return Object.values(watch).map((pid) => threadTimes(pid, order));
}

function timesSince(before: readonly (readonly ThreadTime[])[], watch: Watch): ProcessorTime[] {
  const after = timesOf(watch, 'main-first');
  return Object.keys(watch).map((who, index) => ({
    who,
    ...sumOf(timesBetween(before[index] ?? [], after[index] ?? [])),
  }));
}

function nowMs(): number {
  return millisecondsOf(process.hrtime.bigint());
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
  return now - nowMs();
}

/** Node.js runs this file in each lane's thread too; the steps are those of the main thread. */
if (isMainThread) {
  const request = new URL(import.meta.url).searchParams.get('request') ?? '{}';
  const notes = new StepNotes(JSON.parse(request) as NoteRequest);
  notes.noteWindow(FreezeWindow.prototype);
  notes.noteThaws(Freezer.prototype);
  notes.noteRequests(Lanes.prototype);
  process.on('exit', () => notes.write());
}
