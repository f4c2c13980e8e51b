import type { PhaseName, PhaseTimes } from './record.ts';
import type { RunObserver } from './request.ts';

/** Measures the phases of a run and tells the observer of them. */
export class Phases {
  readonly #observer: RunObserver;
  readonly #times: PhaseTimes[] = [];

  constructor(observer: RunObserver) {
    this.#observer = observer;
  }

  get times(): readonly PhaseTimes[] {
    return this.#times;
  }

  async measure<T>(name: PhaseName, phase: () => Promise<T>): Promise<T> {
    this.#observer.phaseBegins(name);
    const startNs = process.hrtime.bigint();
    try {
      return await phase();
    } finally {
      const endNs = process.hrtime.bigint();
      this.#times.push({ name, startNs, endNs });
      this.#observer.phaseEnds(name, Number(endNs - startNs) / 1e6);
    }
  }
}
