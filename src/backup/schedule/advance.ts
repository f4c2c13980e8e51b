import { dependantsOf } from './dependants.ts';
import type {
  FileSystemState,
  ScheduleAction,
  ScheduleEvent,
  ScheduleInput,
  ScheduleState,
  Step,
  TargetState,
} from './schedule-types.ts';

/**
 * The schedule rule: the one place that decides when a request leaves and when a file system is
 * thawed, as long as this process is in time (else the guardian thaws) (design, "Why early fire and early thaw are right").
 *
 * - A target fires only when every file system it needs is frozen: at the barrier, or before it if the freeze takes
 *   long. (While 64 file systems freeze in some ms, requests only compete with the freeze for the processors; no request
 *   should wait for a slow file system.)
 * - On success a file system is thawed only after the barrier, after every answer it awaits, and after the file system
 *   that holds its image.
 * - If a freeze fails, at the deadline and on abort, every file system that is freezing or frozen is thawed at once. The order of an image
 *   and its holder does not matter then: each thaw has its own thread, and the holder's thaw releases the one that
 *   blocks.
 * - The run ends when nothing is freezing, frozen or thawing and no request is in flight.
 */
export function advance(state: ScheduleState, event: ScheduleEvent): Step {
  const seen = absorb(state, event);
  switch (seen.phase) {
    case 'freezing':
      return continueFreezing(seen, event);
    case 'held':
      return continueHeld(seen, event);
    case 'aborting':
      return state.phase === 'aborting' ? endIfDone(seen, []) : abort(seen);
    case 'idle':
    case 'ended':
      return { state: seen, actions: [] };
  }
}

/** The state of a run that has not started. */
export function initialState(input: ScheduleInput): ScheduleState {
  return {
    input,
    dependants: dependantsOf(input),
    firesEarly: false,
    phase: 'idle',
    wave: 0,
    fileSystems: input.fileSystems.map(() => 'idle'),
    targets: input.targets.map(() => 'idle'),
  };
}

/** Records the event in the state; decides only the change of phase that the event forces. */
function absorb(state: ScheduleState, event: ScheduleEvent): ScheduleState {
  if (state.phase === 'ended') {
    return state;
  }
  switch (event.kind) {
    case 'start':
      return state.phase === 'idle' ? { ...state, phase: 'freezing' } : state;
    case 'freeze-is-slow':
      return { ...state, firesEarly: true };
    case 'abort':
      return { ...state, phase: 'aborting' };
    case 'frozen':
      return markFileSystem(state, event.fileSystem, 'frozen', ['freezing']);
    case 'freeze-failed':
      return {
        ...markFileSystem(state, event.fileSystem, 'refused', ['freezing', 'thawing']),
        phase: 'aborting',
      };
    case 'thaw-ended':
      return absorbThaw(state, event.fileSystem);
    case 'acknowledged':
      return markTarget(state, event.target, 'acknowledged');
    case 'target-failed':
      return markTarget(state, event.target, 'failed');
  }
}

/** A thaw that the schedule did not order (a native deadline, the guardian) ends the run. */
function absorbThaw(state: ScheduleState, fileSystem: number): ScheduleState {
  const unasked = state.fileSystems[fileSystem] === 'frozen';
  const marked = markFileSystem(state, fileSystem, 'thawed', ['frozen', 'thawing']);
  return unasked ? { ...marked, phase: 'aborting' } : marked;
}

function continueFreezing(state: ScheduleState, event: ScheduleEvent): Step {
  if (event.kind === 'start') {
    return startWave(state, 0);
  }
  const { state: fired, actions } = fire(state, readyBefore(state, event));
  const wave = state.input.waves[state.wave] ?? [];
  return wave.every((index) => state.fileSystems[index] === 'frozen')
    ? startWave(fired, state.wave + 1, actions)
    : { state: fired, actions };
}

/** The targets that fire before the barrier because of this event. */
function readyBefore(state: ScheduleState, event: ScheduleEvent): number[] {
  if (!state.firesEarly) {
    return [];
  }
  switch (event.kind) {
    case 'frozen':
      return ready(state, state.dependants.targetsOfFileSystem[event.fileSystem] ?? []);
    case 'freeze-is-slow':
    case 'acknowledged':
    case 'target-failed':
      return ready(state, [...state.targets.keys()]);
    default:
      return [];
  }
}

function startWave(
  state: ScheduleState,
  wave: number,
  before: readonly ScheduleAction[] = [],
): Step {
  const fileSystems = state.input.waves[wave];
  if (fileSystems === undefined) {
    return reachBarrier({ ...state, phase: 'held' }, before);
  }
  if (fileSystems.length === 0) {
    return startWave(state, wave + 1, before);
  }
  return {
    state: { ...setFileSystems(state, fileSystems, 'freezing'), wave },
    actions: [...before, { kind: 'freeze', fileSystems }],
  };
}

/** Sends the requests before everything else. */
function reachBarrier(state: ScheduleState, before: readonly ScheduleAction[]): Step {
  const { state: fired, actions } = fire(state, ready(state, [...state.targets.keys()]));
  const every = [...state.fileSystems.keys()];
  return thaw(fired, every, [...before, ...actions, { kind: 'barrier' }]);
}

function continueHeld(state: ScheduleState, event: ScheduleEvent): Step {
  const { fileSystemsOfTarget, fileSystemsAfter } = state.dependants;
  switch (event.kind) {
    case 'acknowledged':
    case 'target-failed': {
      const next = state.input.sequential ? [...state.targets.keys()] : [];
      const { state: fired, actions } = fire(state, ready(state, next));
      return thaw(fired, fileSystemsOfTarget[event.target] ?? [], actions);
    }
    case 'thaw-ended':
      return thaw(state, fileSystemsAfter[event.fileSystem] ?? [], []);
    default:
      return { state, actions: [] };
  }
}

/** The candidates whose requests may leave now. */
function ready(state: ScheduleState, candidates: readonly number[]): number[] {
  const all = candidates.filter(
    (target) => state.targets[target] === 'idle' && mayFire(state, target),
  );
  if (!state.input.sequential) {
    return all;
  }
  return state.targets.includes('fired') ? [] : all.slice(0, 1);
}

function fire(state: ScheduleState, targets: readonly number[]): Step {
  if (targets.length === 0) {
    return { state, actions: [] };
  }
  return {
    state: { ...state, targets: changed(state.targets, targets, 'fired') },
    actions: [{ kind: 'fire', targets }],
  };
}

/** Thaws the candidates that may be thawed now. */
function thaw(
  state: ScheduleState,
  candidates: readonly number[],
  before: readonly ScheduleAction[],
): Step {
  const fileSystems = candidates.filter((index) => mayThaw(state, index));
  return fileSystems.length === 0
    ? endIfDone(state, before)
    : {
        state: setFileSystems(state, fileSystems, 'thawing'),
        actions: [...before, { kind: 'thaw', fileSystems }],
      };
}

/**
 * After the barrier always true: the file systems that matter to a target await its answer, so they are still frozen. A
 * target of an unknown disk needs others too; those may have been thawed since the barrier.
 */
function mayFire(state: ScheduleState, target: number): boolean {
  if (state.phase === 'held') {
    return true;
  }
  const needs = state.input.targets[target]?.needs ?? [];
  return needs.every((index) => state.fileSystems[index] === 'frozen');
}

function mayThaw(state: ScheduleState, index: number): boolean {
  const fileSystem = state.input.fileSystems[index];
  if (fileSystem === undefined || state.fileSystems[index] !== 'frozen') {
    return false;
  }
  const holdersAreThawed = fileSystem.thawsAfter.every(
    (holder) => state.fileSystems[holder] === 'thawed',
  );
  return holdersAreThawed && fileSystem.awaits.every((target) => isAnswered(state.targets[target]));
}

function isAnswered(target: TargetState | undefined): boolean {
  return target === 'acknowledged' || target === 'failed';
}

function abort(state: ScheduleState): Step {
  const held = indexesWhere(state.fileSystems, (it) => it === 'freezing' || it === 'frozen');
  const inFlight = state.targets.includes('fired');
  const cancelled = {
    ...setFileSystems(state, held, 'thawing'),
    targets: state.targets.map((target) => (target === 'idle' ? 'cancelled' : target)),
  };
  return endIfDone(cancelled, [
    ...(held.length === 0 ? [] : [{ kind: 'thaw', fileSystems: held } as const]),
    ...(inFlight ? [{ kind: 'cancel-requests' } as const] : []),
  ]);
}

function endIfDone(state: ScheduleState, actions: readonly ScheduleAction[]): Step {
  const isDone =
    state.fileSystems.every((it) => it === 'thawed' || it === 'refused' || it === 'idle') &&
    !state.targets.includes('fired');
  return isDone
    ? { state: { ...state, phase: 'ended' }, actions: [...actions, { kind: 'end' }] }
    : { state, actions };
}

function markFileSystem(
  state: ScheduleState,
  index: number,
  to: FileSystemState,
  from: readonly FileSystemState[],
): ScheduleState {
  const current = state.fileSystems[index];
  return current !== undefined && from.includes(current)
    ? setFileSystems(state, [index], to)
    : state;
}

function setFileSystems(
  state: ScheduleState,
  indexes: readonly number[],
  to: FileSystemState,
): ScheduleState {
  return { ...state, fileSystems: changed(state.fileSystems, indexes, to) };
}

function markTarget(state: ScheduleState, index: number, to: TargetState): ScheduleState {
  return state.targets[index] === 'fired'
    ? { ...state, targets: changed(state.targets, [index], to) }
    : state;
}

function changed<T>(items: readonly T[], indexes: readonly number[], to: T): readonly T[] {
  const copy = items.slice();
  for (const index of indexes) {
    copy[index] = to;
  }
  return copy;
}

function indexesWhere<T>(
  items: readonly T[],
  predicate: (item: T, index: number) => boolean,
): number[] {
  return items.flatMap((item, index) => (predicate(item, index) ? [index] : []));
}
