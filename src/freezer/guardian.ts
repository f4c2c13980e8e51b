import type { LastLever as LastLeverMode } from '../config/vmbackup.ts';
import { FlashfreezeError } from '../errors.ts';
import { GUARDIAN_PATH } from '../program-files.ts';
import { separateFromWorker } from './control-groups.ts';
import { type Freezer, type FreezerControls, freezerControls } from './freezer.ts';
import { GuardianProcess } from './guardian-process.ts';
import { type GuardianReport, toReport } from './guardian-report.ts';
import { LEVER_ACTIONS } from './last-lever.ts';

export { GUARDIAN_PATH };

/** In the form that native/guardian.cc expects. */
function leverArguments(lever: LastLeverMode): string[] {
  return lever === 'off' ? [] : [String(LEVER_ACTIONS[lever])];
}

/** Starting takes a few ms, an answer much less than 1 ms; if it takes longer, the guardian is stopped or gone. */
const START_LIMIT_MS = 5000;
const ANSWER_LIMIT_MS = 2000;

/**
 * The separate watchdog process that thaws when the deadline passes (300 ms after this process's own native
 * deadline, see native/guardian.cc), or when this process is gone. In turn a native thread watches the
 * guardian: when it is gone, that thread has everything thawed at once and the listener gets `guardian-lost`.
 *
 * Order of calls: `Freezer.open` → `Guardian.start` → `arm` → `ArmedFreezer.freeze` … `thaw` → `disarm` →
 * `release` → dispose the freezer. With `await using` for the freezer, then for the guardian, the last two
 * happen by themselves.
 */
export class Guardian implements AsyncDisposable {
  readonly #freezer: FreezerControls;
  readonly #isThawed: () => boolean;
  readonly #process: GuardianProcess;
  /** Reasons why it may be killed or stopped together with this process, as sentences for people. */
  readonly warnings: readonly string[];
  #released: Promise<GuardianReport> | undefined;

  /**
   * Resolves when the guardian is ready: it has its own descriptors, its memory is locked, its threads
   * wait, and it has left this process's control groups, which are killed or frozen as a whole. Throws
   * `FF_GUARDIAN_MISSING`, `FF_GUARDIAN_LOST`.
   *
   * @param lever what the guardian itself does if this process is dead and its FIFREEZE is still stuck
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
      await separateFromWorker(started.pid),
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
   * Arms the native deadline and the guardian's. Resolves when the guardian has confirmed. Throws
   * `FF_GUARDIAN_LOST`; then nothing is armed.
   *
   * @param deadlineNs CLOCK_MONOTONIC, like `process.hrtime.bigint()`
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
   * Thaws what is still frozen and ends the guardian. May be repeated; never rejects. The report lists what
   * the guardian itself had to thaw.
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
    // A guardian that is still thawing a file system is left alone: it ends when it can.
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

/** A freezer with an armed guardian: the only class that can freeze. `Guardian.arm` creates it. */
export class ArmedFreezer {
  readonly #freezer: FreezerControls;
  readonly #guardian: GuardianProcess;
  /** The guardian's deadline; the native one is never later. */
  readonly deadlineNs: bigint;
  #isDisarmed = false;

  constructor(freezer: FreezerControls, guardian: GuardianProcess, deadlineNs: bigint) {
    this.#freezer = freezer;
    this.#guardian = guardian;
    this.deadlineNs = deadlineNs;
  }

  /**
   * Freezes all at once; their threads are woken in the order given. The listener gets `frozen` or
   * `freeze-failed` for each (`ECANCELED`: a thaw or the deadline cancelled it before it began). Throws
   * `FF_INTERNAL`, and freezes nothing, if the deadline has passed, the guardian is gone, or one of them is
   * frozen already.
   */
  freeze(indexes: readonly number[]): void {
    this.#freezer.freeze(indexes);
  }

  /**
   * Moves the native deadline within the guardian's, for example to limit one wave. When it passes, the
   * listener gets `expired`, and the next `freeze` needs a new limit first. Throws `FF_INTERNAL` for a time
   * later than `deadlineNs`, and after `disarm`. The guardian gets the limit too, and thaws if this process
   * does not, for example because it is stopped.
   */
  limit(deadlineNs: bigint): void {
    if (this.#isDisarmed || deadlineNs > this.deadlineNs) {
      const reason = this.#isDisarmed
        ? 'the guardian is disarmed'
        : `the deadline ${deadlineNs} is later than the guardian's, ${this.deadlineNs}`;
      throw new FlashfreezeError('FF_INTERNAL', `freezer: ${reason}`);
    }
    this.#freezer.arm(deadlineNs);
    this.#guardian.send('l');
  }

  /**
   * Call it when everything is thawed; throws `FF_INTERNAL` while something is frozen. It does not wait for an
   * answer: a guardian that is gone has nothing to disarm, and a slow one obeys before the next `arm`.
   */
  disarm(): void {
    this.#freezer.disarm();
    this.#isDisarmed = true;
    this.#guardian.send('d');
  }
}
