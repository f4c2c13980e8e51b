import type { LastLever as LastLeverMode } from '../config/vmbackup.ts';
import { errnoName, loadAddon, type NativeLastLever } from '../system/native.ts';
import { nativeError } from '../system/native-errors.ts';
import { type Freezer, freezerControls } from './freezer.ts';

/** FITHAW released what it could within 60 ms, 260 ms through FUSE (freeze-facts.md, Stuck). */
export const LEVER_GRACE_MS = 500;
/** Answers released a stuck freeze within 46 ms; what is stuck for longer is so for another reason. */
export const LEVER_LIMIT_MS = 5000;

/** A fanotify descriptor by which a process is asked for permission. */
export interface PermissionDescriptor {
  readonly pid: number;
  /** `/proc/<pid>/comm` */
  readonly command: string;
  /** Its number in that process. */
  readonly descriptor: number;
}

export interface LastLeverTimes {
  readonly graceMs: number;
  readonly limitMs: number;
}

export interface LastLeverOutcome {
  /** Opens that were answered in the place of their daemon. */
  readonly answered: number;
  /** Processes that were killed. */
  readonly killed: readonly number[];
}

/** The numbers are those of `LeverAction` in native/fanotify_lever.h. */
export const LEVER_ACTIONS: Readonly<Record<Exclude<LastLeverMode, 'off'>, number>> = {
  deny: 0,
  allow: 1,
  kill: 2,
};

/**
 * What is left when no thaw releases a stuck FIFREEZE: somebody who is opening a file waits for a
 * permission daemon, and the daemon waits for the freeze to end. When a freeze is broken off and
 * something is still stuck after a grace, native threads answer in the daemon's place until it is not:
 *
 * - `deny`: the opener gets EPERM; safe for the daemon's policy;
 * - `allow`: the opener goes on, unseen by the daemon;
 * - `kill`: nothing is answered; whoever waits for an answer is killed.
 *
 * Other opens on what the daemon watches that come in that time are answered alike.
 *
 * Daemons are looked for when it is used, because they come and go: nothing of theirs is held before and
 * after. As long as somebody else holds a duplicate of its group, the kernel does not see a daemon's death,
 * and every open that the daemon has watched waits for ever.
 */
export class LastLever implements Disposable {
  /** Daemons in whose place it cannot answer, as sentences for people. */
  readonly warnings: readonly string[];
  readonly #native: NativeLastLever;

  /**
   * @param daemons those known by now, to be named where it cannot answer for them
   * @throws FlashfreezeError FF_LIMIT_REACHED where its threads cannot be started
   */
  static prepare(
    freezer: Freezer,
    mode: Exclude<LastLeverMode, 'off'>,
    daemons: readonly PermissionDescriptor[],
    times: LastLeverTimes = { graceMs: LEVER_GRACE_MS, limitMs: LEVER_LIMIT_MS },
  ): LastLever {
    const controls = freezerControls(freezer);
    const { LastLever: Native, tryPermissionGroup } = loadAddon();
    const { ledger } = controls.descriptors();
    try {
      const { graceMs, limitMs } = times;
      const native = new Native(ledger, LEVER_ACTIONS[mode], graceMs, limitMs);
      controls.useLastLever(native);
      const answeredFor = mode === 'kill' ? [] : daemons;
      return new LastLever(
        native,
        answeredFor.flatMap((daemon) => {
          const errno = tryPermissionGroup(daemon.pid, daemon.descriptor);
          return errno === 0 ? [] : [warningOf(daemon, errno)];
        }),
      );
    } catch (error) {
      throw nativeError(error, 'last lever');
    }
  }

  private constructor(native: NativeLastLever, warnings: readonly string[]) {
    this.#native = native;
    this.warnings = warnings;
  }

  /** What it has done so far; nothing where it was not needed. */
  outcome(): LastLeverOutcome {
    return this.#native.outcome();
  }

  [Symbol.dispose](): void {
    this.#native.close();
  }
}

function warningOf({ command, pid }: PermissionDescriptor, errno: number): string {
  return `a freeze that waits for the permission daemon ${command} (pid ${pid}) could not be released by answering in its place: ${errnoName(errno)}`;
}
