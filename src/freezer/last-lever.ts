import type { LastLever as LastLeverMode } from '../config/vmbackup.ts';
import { errnoName, loadAddon, type NativeLastLever } from '../system/native.ts';
import { nativeError } from '../system/native-errors.ts';
import { type Freezer, freezerControls } from './freezer.ts';

/** FITHAW released what it could within 60 ms, 260 ms through FUSE (freeze-facts.md, Stuck). */
export const LEVER_GRACE_MS = 500;
/** Answers released a stuck freeze within 46 ms; a freeze that is stuck for longer has another cause. */
export const LEVER_LIMIT_MS = 5000;

/** A fanotify descriptor through which the kernel asks a process for permission. */
export interface PermissionDescriptor {
  readonly pid: number;
  /** `/proc/<pid>/comm` */
  readonly command: string;
  /** The descriptor's number in that process. */
  readonly descriptor: number;
}

export interface LastLeverTimes {
  readonly graceMs: number;
  readonly limitMs: number;
}

export interface LastLeverOutcome {
  /** Number of open requests that were answered on their daemon's behalf. */
  readonly answered: number;
  /** Pids of the processes that were killed. */
  readonly killed: readonly number[];
}

/** The numbers are those of `LeverAction` in native/fanotify_lever.h. */
export const LEVER_ACTIONS: Readonly<Record<Exclude<LastLeverMode, 'off'>, number>> = {
  deny: 0,
  allow: 1,
  kill: 2,
};

/**
 * The last resort if no thaw releases a stuck FIFREEZE: a process that is opening a file waits for a
 * permission daemon, and the daemon waits for the freeze to end. If a freeze is aborted and something is
 * still stuck after `graceMs`, native threads answer on the daemon's behalf until nothing is stuck:
 *
 * - `deny`: the process that opens gets EPERM; safe for the daemon's policy;
 * - `allow`: the process that opens continues, and the daemon does not see it;
 * - `kill`: no request is answered; every process that waits for an answer is killed.
 *
 * It gives that answer also to other open requests that reach the daemon during that time.
 *
 * It looks for daemons when it is used, because they come and go, and holds none of their descriptors before
 * or after. If another process holds a duplicate of a daemon's group, the kernel does not notice when the
 * daemon dies, and every open that the daemon watched never returns.
 */
export class LastLever implements Disposable {
  /** Daemons on whose behalf it cannot answer, as sentences for people. */
  readonly warnings: readonly string[];
  readonly #native: NativeLastLever;

  /**
   * @param daemons those known so far; `warnings` names the ones that it cannot answer for
   * @throws FlashfreezeError FF_LIMIT_REACHED if its threads cannot be started
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

  /** What it has done so far; empty if it was not needed. */
  outcome(): LastLeverOutcome {
    return this.#native.outcome();
  }

  [Symbol.dispose](): void {
    this.#native.close();
  }
}

function warningOf({ command, pid }: PermissionDescriptor, errno: number): string {
  return `if a freeze waits for the permission daemon ${command} (pid ${pid}), flashfreeze cannot release it by answering on the daemon's behalf: ${errnoName(errno)}`;
}
