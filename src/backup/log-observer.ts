import type { HeldLog } from '../log/held-log.ts';
import type { PhaseName } from './record.ts';
import type { RunObserver } from './request.ts';

const WHAT: Readonly<Record<Exclude<PhaseName, 'window'>, string>> = {
  prepare: 'prepare: plan, connections, preflight of every blob',
  wait: 'wait for the start time',
  lock: 'take the lock that keeps other freezers away, start the guardian',
  settle: 'settle: flush dirty data',
  quiesce: 'quiesce: pre-scripts, or the database',
  rewarm: 'flush what became dirty, prove every connection',
  arm: 'arm the guardian; then freeze, snapshot, thaw',
  resume: 'resume: let the database go, or run the post-scripts',
  release: 'release: collect the answers',
};

/** Tells of a run's progress in its log, which is held while the window is open. */
export class LogObserver implements RunObserver {
  readonly #log: HeldLog;

  constructor(log: HeldLog) {
    this.#log = log;
  }

  phaseBegins(phase: PhaseName): void {
    if (phase === 'window') {
      this.#log.hold();
    } else {
      this.#log.info(WHAT[phase]);
    }
  }

  phaseEnds(phase: PhaseName, durationMs: number): void {
    this.#log.info(`${phase} took ${durationMs.toFixed(1)} ms`);
    if (phase === 'window') {
      this.#log.release();
    }
  }

  warn(message: string): void {
    this.#log.warning(message);
  }

  note(message: string): void {
    this.#log.info(message);
  }
}
