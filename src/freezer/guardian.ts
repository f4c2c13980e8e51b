import type { LastLever as LastLeverMode } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import { GUARDIAN_PATH } from '../program-files.ts';
import { leaveControlGroups } from './control-groups.ts';
import { type Freezer, type FreezerControls, freezerControls } from './freezer.ts';
import { GuardianProcess } from './guardian-process.ts';
import { type GuardianReport, toReport } from './guardian-report.ts';
import { LEVER_ACTIONS } from './last-lever.ts';

export { GUARDIAN_PATH };

/** As native/guardian.cc expects them. */
function leverArguments(lever: LastLeverMode): string[] {
  return lever === 'off' ? [] : [String(LEVER_ACTIONS[lever])];
}

/** Starting takes some ms, an answer well under one; more means it is stopped or gone. */
const START_LIMIT_MS = 5000;
const ANSWER_LIMIT_MS = 2000;

/**
 * The separate process that thaws when the deadline passes (300 ms after the worker's own native
 * deadline, see native/guardian.cc), or when this process is gone. In turn a native thread watches
 * it: when it is gone everything is thawed at once and `guardian-lost` is told.
 *
 * Order: `Freezer.open` → `Guardian.start` → `arm` → `ArmedFreezer.freeze` … `thaw` → `disarm` →
 * `release` → dispose the freezer. `await using` of the freezer, then of the guardian, does the end.
 */
export class Guardian implements AsyncDisposable {
  readonly #freezer: FreezerControls;
  readonly #isThawed: () => boolean;
  readonly #process: GuardianProcess;
  /** Why it may be killed or stopped together with this process, as sentences for people. */
  readonly warnings: readonly string[];
  #released: Promise<GuardianReport> | undefined;

  /**
   * Resolves when the guardian is ready: it has its own descriptors, its memory is locked, its
   * threads wait, and it has left this process's control groups, which are killed or frozen as a whole. Throws `FF_GUARDIAN_MISSING`, `FF_GUARDIAN_LOST`.
   *
   * @param lever the last lever for the guardian itself, for when the worker is dead and its FIFREEZE still stuck
   */
  static async start(
    freezer: Freezer,
    executable: string = GUARDIAN_PATH,
    lever: LastLeverMode = 'off',
  ): Promise<Guardian> {
    const controls = freezerControls(freezer);
    const watched = controls.watchGuardian();
    let started: GuardianProcess;
    try {
      started = await GuardianProcess.spawn(
        executable,
        leverArguments(lever),
        controls.descriptors(),
        watched,
      );
    } catch (error) {
      controls.guardianReleased();
      throw error;
    }
    controls.guardianStarted();
    const guardian = new Guardian(
      freezer,
      controls,
      started,
      await leaveControlGroups(started.pid),
    );
    try {
      await started.receive(({ kind }) => kind === 'ready', START_LIMIT_MS);
    } catch (error) {
      await guardian.release();
      throw error;
    }
    return guardian;
  }

  private constructor(
    freezer: Freezer,
    controls: FreezerControls,
    started: GuardianProcess,
    warnings: readonly string[],
  ) {
    this.warnings = warnings;
    this.#freezer = controls;
    this.#isThawed = () => freezer.isThawed();
    this.#process = started;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /**
   * Arms the native deadline and the guardian's, and resolves when the guardian has confirmed it.
   * CLOCK_MONOTONIC, as `process.hrtime.bigint()`. Throws `FF_GUARDIAN_LOST`; then nothing is armed.
   */
  async arm(deadlineNs: bigint): Promise<ArmedFreezer> {
    this.#freezer.arm(deadlineNs);
    try {
      this.#process.send('a');
      await this.#process.receive(
        (message) => message.kind === 'armed' && message.deadlineNs === deadlineNs,
        ANSWER_LIMIT_MS,
      );
    } catch (error) {
      this.#freezer.disarm();
      throw error;
    }
    return new ArmedFreezer(this.#freezer, this.#process, deadlineNs);
  }

  /**
   * Thaws what is still frozen and ends the guardian. May be repeated; never rejects. The report says
   * what the guardian itself had to thaw.
   */
  release(): Promise<GuardianReport> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #release(): Promise<GuardianReport> {
    await this.#freezer.thawAll();
    if (this.#isThawed()) {
      this.#freezer.guardianReleased();
    }
    this.#process.send('q');
    if (!(await this.#endsWithin(ANSWER_LIMIT_MS)) && this.#isThawed()) {
      this.#process.kill();
      await this.#endsWithin(ANSWER_LIMIT_MS);
    }
    // One that still thaws something is left alone: it ends when it can.
    return toReport(this.#process.messages, this.#process.isGone ? 'lost' : 'unfinished');
  }

  async #endsWithin(limitMs: number): Promise<boolean> {
    const { promise: tooLate, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    await Promise.race([this.#process.ended, tooLate]);
    clearTimeout(timer);
    return this.#process.isGone;
  }
}

/** A freezer behind an armed guardian: the only thing that can freeze. Made by `Guardian.arm`. */
export class ArmedFreezer {
  readonly #freezer: FreezerControls;
  readonly #guardian: GuardianProcess;
  /** The guardian's deadline; the native one never lies behind it. */
  readonly deadlineNs: bigint;
  #isDisarmed = false;

  constructor(freezer: FreezerControls, guardian: GuardianProcess, deadlineNs: bigint) {
    this.#freezer = freezer;
    this.#guardian = guardian;
    this.deadlineNs = deadlineNs;
  }

  /**
   * Freezes all at once, woken in the order given; `frozen` or `freeze-failed` for each
   * (`ECANCELED`: called off by a thaw or the deadline before it began). Throws `FF_INTERNAL`, and
   * freezes nothing, when the deadline has passed, the guardian is gone, or one is frozen already.
   */
  freeze(indexes: readonly number[]): void {
    this.#freezer.freeze(indexes);
  }

  /**
   * Moves the native deadline within the guardian's: a limit for one wave, say. When it passes,
   * `expired` is told, and before another `freeze` there must be another limit. Throws `FF_INTERNAL`
   * for a time behind `deadlineNs`, and after `disarm`. The guardian is told, and thaws where this process does
   * not: one that is stopped, say.
   */
  limit(deadlineNs: bigint): void {
    if (this.#isDisarmed || deadlineNs > this.deadlineNs) {
      const reason = this.#isDisarmed
        ? 'the guardian is disarmed'
        : `the deadline ${deadlineNs} lies behind the guardian's, ${this.deadlineNs}`;
      throw new FlashfreezeError('FF_INTERNAL', `freezer: ${reason}`);
    }
    this.#freezer.arm(deadlineNs);
    this.#guardian.send('l');
  }

  /**
   * When everything is thawed; throws `FF_INTERNAL` while something is frozen. No answer is awaited: a
   * guardian that is gone has nothing to disarm, and one that is slow obeys before the next `arm`.
   */
  disarm(): void {
    this.#freezer.disarm();
    this.#isDisarmed = true;
    this.#guardian.send('d');
  }
}
