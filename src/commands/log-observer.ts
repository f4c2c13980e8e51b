import type { PhaseName } from '../backup/record.ts';
import type { RunObserver } from '../backup/request.ts';
import type { HeldLog } from '../log/held-log.ts';

const WHAT: Readonly<Record<Exclude<PhaseName, 'window'>, string>> = {
  prepare: 'prepare: plan, connections, preflight of every blob',
  wait: 'wait for the start time',
  lock: 'take the lock that keeps other freezers away, start the guardian',
  settle: 'settle: flush dirty data',
  arm: 'arm the guardian; then freeze, snapshot, thaw',
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
}
