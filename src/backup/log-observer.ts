import type { HeldLog } from '../log/held-log.ts';
import type { PhaseName } from './record.ts';
import type { RunObserver } from './request.ts';

const DESCRIPTIONS: Readonly<Record<Exclude<PhaseName, 'window'>, string>> = {
  prepare: 'prepare: read the plan, connect, check every blob',
  wait: 'wait for the start time',
  lock: 'take the lock that excludes other freezers, start the guardian',
  settle: 'settle: flush dirty data',
  quiesce: 'quiesce: run the pre-scripts, or quiesce the database',
  rewarm: 'flush new dirty data, test every connection',
  arm: 'arm the guardian; then freeze, take snapshots, thaw',
  resume: 'resume: release the database, or run the post-scripts',
  release: 'release: end the guardian, collect the results',
};

/**
 * Logs the progress of a run. Holds the log from where a write that blocks would do harm until the run has released
 * everything: from the beginning of the window, or from before the application is quiesced. A log whose disk another
 * tool has frozen would otherwise keep the application quiesced, and the locks held, for as long.
 */
export class LogObserver implements RunObserver {
  readonly #log: HeldLog;

  constructor(log: HeldLog) {
    this.#log = log;
  }

  phaseBegins(phase: PhaseName): void {
    if (phase === 'window') {
      this.#log.freezeBegins();
      return;
    }
    this.#log.info(DESCRIPTIONS[phase]);
    if (phase === 'quiesce') {
      this.#log.hold();
    }
  }

  phaseEnds(phase: PhaseName, durationMs: number): void {
    this.#log.info(`${phase} took ${durationMs.toFixed(1)} ms`);
    if (phase === 'window') {
      this.#log.freezeEnds();
    }
  }

  released(): void {
    this.#log.release();
  }

  warn(message: string): void {
    this.#log.warning(message);
  }

  note(message: string): void {
    this.#log.info(message);
  }
}
