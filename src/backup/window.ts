import type { FreezerEvent, Stamps } from '../freezer/freezer-types.ts';
import type { SnapshotEvent } from '../snapshot/snapshot-types.ts';
import { latest } from '../system/stamps.ts';
import type { Barrier, FileSystemTimes, RunEnd } from './record.ts';
import { advance, initialState } from './schedule/advance.ts';
import { longestFirst } from './schedule/longest-first.ts';
import type {
  ScheduleAction,
  ScheduleEvent,
  ScheduleInput,
  ScheduleState,
} from './schedule/schedule-types.ts';
import type { WindowEffects } from './window-effects.ts';

/**
 * A freeze that takes longer than this is slow: from then on requests leave before the barrier. After a flush, 64 file
 * systems freeze in 8 to 20 ms; requests sent during that time only took processor time from the freeze (measured
 * with 2 cores, src/docs/benchmarks.md).
 */
export const SLOW_FREEZE_MS = 25;

/**
 * After an abort, the window waits this long for system calls that have not returned, and then ends without them. A call
 * on a device that is gone may never return; the guardian and the journal take care of it.
 */
export const GIVE_UP_MS = 20_000;

/** Reads the disks' write counters; each call returns at once. */
export interface DiskWatch {
  /** The requests of these targets leave now. @param isBarrier everything is frozen */
  beforeRequests(targets: readonly number[], isBarrier: boolean): void;
  /** Everything is frozen; nothing has been thawed. @param answered targets whose answers are in */
  atBarrier(answered: readonly number[]): void;
  /** The answers of these targets are in, after the barrier; nothing on their disks has been thawed. */
  afterAnswers(targets: readonly number[]): void;
}

export interface WindowRecord {
  readonly fileSystems: readonly FileSystemTimes[];
  readonly barrier: Barrier | undefined;
  readonly end: RunEnd;
  /** When the request of a target had failed for good, by target. */
  readonly failedNs?: ReadonlyMap<number, bigint>;
}

/**
 * The time in which file systems are frozen: executes the actions of the schedule, passes events to it, and keeps the
 * time stamps. Nothing here writes, waits or blocks; safety does not depend on it (design, law 6).
 */
export class FreezeWindow {
  readonly #effects: WindowEffects;
  readonly #watch: DiskWatch;
  readonly #times: { -readonly [Key in keyof FileSystemTimes]: FileSystemTimes[Key] }[];
  readonly #ended = Promise.withResolvers<void>();
  readonly #failedNs = new Map<number, bigint>();
  #state: ScheduleState;
  #barrier: Barrier | undefined;
  #end: RunEnd = { kind: 'completed' };
  /** A freeze that never began; the reason comes as a separate event, or not at all. */
  #calledOff: RunEnd | undefined;
  #slow: NodeJS.Timeout | undefined;
  #givingUp: NodeJS.Timeout | undefined;
  #isOver = false;

  /** @param settled the last syncfs of each file system */
  constructor(
    input: ScheduleInput,
    effects: WindowEffects,
    watch: DiskWatch,
    settled: readonly Stamps[],
  ) {
    this.#effects = effects;
    this.#watch = watch;
    this.#state = initialState(input);
    this.#times = input.fileSystems.map((_, index) => ({
      freezeStartNs: undefined,
      frozenNs: undefined,
      freezeErrno: undefined,
      thawStartNs: undefined,
      thawedNs: undefined,
      wasFrozen: undefined,
      thawErrno: undefined,
      ...settleTimes(settled[index]),
    }));
  }

  /** Freezes, fires and thaws; resolves when nothing is frozen and no request is in flight. */
  async run(): Promise<WindowRecord> {
    this.#slow = setTimeout(() => this.#dispatch({ kind: 'freeze-is-slow' }), SLOW_FREEZE_MS);
    this.#dispatch({ kind: 'start' });
    await this.#ended.promise;
    this.#isOver = true;
    clearTimeout(this.#slow);
    clearTimeout(this.#givingUp);
    const end = this.#end.kind === 'completed' ? (this.#calledOff ?? this.#end) : this.#end;
    return { fileSystems: this.#times, barrier: this.#barrier, end, failedNs: this.#failedNs };
  }

  /**
   * Thaws everything at once. The first reason given is the one that is reported. Does nothing after the end: if the
   * process was stopped, the end of its guardian is noticed only then.
   */
  abort(reason: RunEnd): void {
    if (this.#isOver) {
      return;
    }
    this.#endWith(reason);
    this.#givingUp ??= setTimeout(() => this.#ended.resolve(), GIVE_UP_MS);
    this.#dispatch({ kind: 'abort' });
  }

  onSnapshotEvent(event: SnapshotEvent): void {
    switch (event.kind) {
      case 'acknowledged':
        this.#readIfHeld(event.target);
        this.#dispatch({ kind: 'acknowledged', target: event.target });
        break;
      case 'failed':
        this.#failedNs.set(event.target, event.atNs);
        this.#readIfHeld(event.target);
        this.#dispatch({ kind: 'target-failed', target: event.target });
        break;
    }
  }

  #readIfHeld(target: number): void {
    if (this.#state.phase === 'held') {
      this.#watch.afterAnswers([target]);
    }
  }

  onFreezerEvent(event: FreezerEvent): void {
    switch (event.kind) {
      case 'frozen':
        this.#noteFreeze(event, undefined);
        this.#dispatch(event);
        break;
      case 'freeze-failed':
        this.#noteFreeze(event, event.errno);
        this.#endWithRefusal(event.fileSystem, event.errno);
        this.#dispatch(event);
        break;
      case 'thawed':
      case 'thaw-failed':
        this.#noteThaw(event);
        this.#dispatch({ kind: 'thaw-ended', fileSystem: event.fileSystem });
        break;
      case 'expired':
        this.abort({ kind: 'deadline', stuck: this.stillFreezing() });
        break;
      case 'guardian-lost':
        this.abort({ kind: 'guardian-lost' });
        break;
      case 'synced':
        break;
    }
  }

  #noteFreeze(event: Stamps & { fileSystem: number }, errno: string | undefined): void {
    const times = this.#times[event.fileSystem];
    if (times !== undefined) {
      times.freezeStartNs = event.startNs;
      times.frozenNs = errno === undefined ? event.endNs : undefined;
      times.freezeErrno = errno;
      if (errno !== undefined) {
        times.freezeFailedNs = event.endNs;
      }
    }
  }

  #noteThaw(event: Extract<FreezerEvent, { kind: 'thawed' | 'thaw-failed' }>): void {
    const times = this.#times[event.fileSystem];
    if (times === undefined) {
      return;
    }
    times.thawStartNs = event.startNs;
    times.thawedNs = event.endNs;
    if (event.kind === 'thaw-failed') {
      times.thawErrno = event.errno;
      return;
    }
    times.wasFrozen = event.wasFrozen;
    if (!event.wasFrozen && times.frozenNs !== undefined) {
      this.#endWith({ kind: 'thawed-by-others', fileSystem: event.fileSystem });
    }
  }

  /** The file systems whose FIFREEZE has not returned. */
  stillFreezing(): number[] {
    return this.#state.fileSystems.flatMap((it, index) => (it === 'freezing' ? [index] : []));
  }

  #endWithRefusal(fileSystem: number, errno: string): void {
    const refusal = { kind: 'freeze-failed', fileSystem, errno } as const;
    if (errno === 'ECANCELED') {
      this.#calledOff ??= refusal;
    } else {
      this.#endWith(refusal);
    }
  }

  #endWith(reason: RunEnd): void {
    if (this.#end.kind === 'completed') {
      this.#end = reason;
    }
  }

  #dispatch(event: ScheduleEvent): void {
    const { state, actions } = advance(this.#state, event);
    this.#state = state;
    for (const action of actions) {
      this.#carryOut(action);
    }
  }

  #carryOut(action: ScheduleAction): void {
    switch (action.kind) {
      case 'freeze':
        this.#freeze(action.fileSystems);
        break;
      case 'fire':
        this.#fire(action.targets);
        break;
      case 'barrier':
        this.#reachBarrier();
        break;
      case 'thaw':
        this.#effects.thaw(action.fileSystems);
        break;
      case 'cancel-requests':
        this.#effects.cancelRequests();
        break;
      case 'end':
        // Also for a window that is aborted before it began: run() is not called then, and the timer would keep the process.
        clearTimeout(this.#givingUp);
        this.#ended.resolve();
        break;
    }
  }

  #fire(targets: readonly number[]): void {
    this.#watch.beforeRequests(targets, this.#state.phase === 'held');
    const { fileSystemsOfTarget } = this.#state.dependants;
    const startOf = (fileSystem: number): bigint | undefined =>
      this.#times[fileSystem]?.freezeStartNs;
    this.#effects.fire(longestFirst(targets, fileSystemsOfTarget, startOf));
  }

  /**
   * If the deadline has passed or the guardian is gone, the freezer refuses to freeze. Then it has frozen none of
   * these, and the others are thawed.
   */
  #freeze(fileSystems: readonly number[]): void {
    try {
      this.#effects.freeze(fileSystems);
    } catch {
      for (const fileSystem of fileSystems) {
        this.#endWithRefusal(fileSystem, 'ECANCELED');
        this.#dispatch({ kind: 'freeze-failed', fileSystem });
      }
    }
  }

  /** Also those that failed: the snapshot of a lost answer may be found after the thaw. */
  #answered(): number[] {
    return this.#state.targets.flatMap((it, index) =>
      it === 'acknowledged' || it === 'failed' ? [index] : [],
    );
  }

  /** The barrier is the instant at which the last FIFREEZE returned, not the one at which this thread learnt of it. */
  #reachBarrier(): void {
    const nowNs = process.hrtime.bigint();
    const wallClockMs = Date.now();
    this.#watch.atBarrier(this.#answered());
    const atNs = latest(this.#times.map(({ frozenNs }) => frozenNs)) ?? nowNs;
    this.#barrier = { atNs, wallClock: new Date(wallClockMs - Number(nowNs - atNs) / 1e6) };
    try {
      this.#effects.atBarrier();
    } catch {
      // The deadline cannot be moved any more: the guardian is thawing already, or is gone.
      this.abort({ kind: 'guardian-lost' });
    }
  }
}

function settleTimes(
  settled: Stamps | undefined,
): Pick<FileSystemTimes, 'settleStartNs' | 'settleNs'> {
  return settled === undefined
    ? { settleNs: undefined }
    : { settleStartNs: settled.startNs, settleNs: settled.endNs - settled.startNs };
}
