import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DaemonProcess } from '../../test/deadlock/daemon-process.ts';
import { Openers } from '../../test/deadlock/openers.ts';
import type { Surroundings } from './surroundings.ts';

const SCAN_MS = '0';
/** For who opens, to begin and to end an open once more. */
const PROGRESS_LIMIT_MS = 2_000;

/**
 * A permission daemon that is asked about every open on one file system and logs to another, and a process that opens
 * there without a pause. It is killed at the drawn moment, and started again once it is dead.
 */
export class RestartedDaemon implements Surroundings {
  readonly #args: readonly string[];
  readonly #pauseMs: number;
  readonly #openers: Openers;
  #daemon: DaemonProcess;
  #restarted: Promise<void> = Promise.resolve();

  private constructor(
    args: readonly string[],
    pauseMs: number,
    daemon: DaemonProcess,
    openers: Openers,
  ) {
    this.#args = args;
    this.#pauseMs = pauseMs;
    this.#daemon = daemon;
    this.#openers = openers;
  }

  /** @param pauseMs between the death of the first daemon and the start of the second */
  static async start(watched: string, logged: string, pauseMs: number): Promise<RestartedDaemon> {
    const args = [watched, join(logged, 'permission.log'), SCAN_MS, 'keep'];
    const daemon = await DaemonProcess.start('permission-daemon', args);
    return new RestartedDaemon(args, pauseMs, daemon, await Openers.start(watched, 1));
  }

  strike(): void {
    this.#restarted = this.#restart();
    // Who looks for problems hears of it.
    this.#restarted.catch(() => {});
  }

  async #restart(): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    await delay(this.#pauseMs);
    this.#daemon = await DaemonProcess.start('permission-daemon', this.#args);
  }

  async problems(): Promise<string[]> {
    try {
      await this.#restarted;
    } catch (error) {
      return [`the permission daemon could not be started again: ${String(error)}`];
    }
    const goesOn = this.#openers.progress().then(() => true);
    const isGoing = await Promise.race([goesOn, delay(PROGRESS_LIMIT_MS, false, { ref: false })]);
    return [
      ...(this.#daemon.isRunning ? [] : ['the permission daemon has ended by itself']),
      ...(isGoing ? [] : ['who opens files before a permission daemon does not go on']),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#restarted.catch(() => {});
    await this.#openers[Symbol.asyncDispose]();
    await this.#daemon[Symbol.asyncDispose]();
  }
}
