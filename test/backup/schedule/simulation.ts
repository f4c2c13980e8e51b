import { advance, initialState } from '../../../src/backup/schedule/advance.ts';
import type {
  ScheduleAction,
  ScheduleEvent,
  ScheduleInput,
  ScheduleState,
} from '../../../src/backup/schedule/schedule-types.ts';

/** Everything that happened, in order: issued actions and events. */
export type Occurrence =
  | { readonly at: 'action'; readonly action: ScheduleAction }
  | { readonly at: 'event'; readonly event: ScheduleEvent };

export interface Chance {
  /** An index below `count`: which of the things that may happen now does. */
  pick(count: number): number;
  freezeFails(): boolean;
  requestFails(): boolean;
  abortsNow(): boolean;
  /** A native deadline, the guardian or another tool thaws a frozen file system. */
  thawsUnasked(): boolean;
  turnsSlowNow(): boolean;
}

/**
 * Plays a whole run of the schedule against a world of kernel and service that answers in any
 * order, and returns everything that occurred. Kernel rules played: a file system in an image
 * cannot finish its thaw before the one that holds the image.
 */
export function simulate(
  input: ScheduleInput,
  chance: Chance,
): { occurrences: readonly Occurrence[]; state: ScheduleState } {
  const occurrences: Occurrence[] = [];
  const pending: ScheduleEvent[] = [];
  let state = initialState(input);
  const deliver = (event: ScheduleEvent): void => {
    occurrences.push({ at: 'event', event });
    const step = advance(state, event);
    state = step.state;
    for (const action of step.actions) {
      occurrences.push({ at: 'action', action });
      answer(action, pending, chance);
    }
  };
  deliver({ kind: 'start' });
  while (pending.length > 0) {
    if (chance.abortsNow()) {
      deliver({ kind: 'abort' });
    }
    if (chance.turnsSlowNow()) {
      deliver({ kind: 'freeze-is-slow' });
    }
    const frozen = [...state.fileSystems.keys()].filter((it) => state.fileSystems[it] === 'frozen');
    if (frozen.length > 0 && chance.thawsUnasked()) {
      deliver({ kind: 'thaw-ended', fileSystem: frozen[chance.pick(frozen.length)] ?? 0 });
    }
    const possible = pending.filter((event) => isPossible(event, pending, input));
    const event = possible[chance.pick(possible.length)];
    if (event === undefined) {
      throw new Error('the world is stuck: no pending event may happen');
    }
    pending.splice(pending.indexOf(event), 1);
    deliver(event);
  }
  return { occurrences, state };
}

function answer(action: ScheduleAction, pending: ScheduleEvent[], chance: Chance): void {
  switch (action.kind) {
    case 'freeze':
      for (const fileSystem of action.fileSystems) {
        pending.push({ kind: chance.freezeFails() ? 'freeze-failed' : 'frozen', fileSystem });
      }
      break;
    case 'fire':
      for (const target of action.targets) {
        pending.push({ kind: chance.requestFails() ? 'target-failed' : 'acknowledged', target });
      }
      break;
    case 'thaw':
      for (const fileSystem of action.fileSystems) {
        pending.push({ kind: 'thaw-ended', fileSystem });
      }
      break;
    case 'barrier':
    case 'cancel-requests':
    case 'end':
      break;
  }
}

/** A thaw ends after the freeze it ends, and after the thaw of the file system underneath. */
function isPossible(
  event: ScheduleEvent,
  pending: readonly ScheduleEvent[],
  input: ScheduleInput,
): boolean {
  if (event.kind !== 'thaw-ended') {
    return true;
  }
  const freezeIsPending = pending.some(
    (other) =>
      (other.kind === 'frozen' || other.kind === 'freeze-failed') &&
      other.fileSystem === event.fileSystem,
  );
  const holders = input.fileSystems[event.fileSystem]?.thawsAfter ?? [];
  const holderIsThawing = pending.some(
    (other) => other.kind === 'thaw-ended' && holders.includes(other.fileSystem),
  );
  return !freezeIsPending && !holderIsThawing;
}
