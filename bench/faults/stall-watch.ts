import { setTimeout as delay } from 'node:timers/promises';
import { type ProbeWrite, probesOf, type WriteProbe } from '../../test/faults/write-probe.ts';

/** Between two writes to the same file system. */
const PAUSE_MS = 4;

/** Writes to each file system all the time and keeps when: what a frozen one does to its writers. */
export class StallWatch implements Disposable {
  readonly mountPoints: readonly string[];
  readonly #probes: readonly WriteProbe[];
  readonly #writes: ProbeWrite[][];
  readonly #refusing = new Set<number>();
  readonly #listeners = new Set<() => void>();
  #stopped = false;

  constructor(disks: readonly { readonly mountPoint: string }[]) {
    this.#probes = probesOf(disks);
    this.mountPoints = disks.map(({ mountPoint }) => mountPoint);
    this.#writes = this.#probes.map(() => []);
    for (const [index, probe] of this.#probes.entries()) {
      void this.#watch(probe, index);
    }
  }

  /** Processes of the watch's own. */
  get pids(): readonly number[] {
    return this.#probes.map(({ pid }) => pid);
  }

  /** Writes to each file system that have ended since the last `forget`. */
  get writes(): readonly (readonly ProbeWrite[])[] {
    return this.#writes;
  }

  /** Mount points whose file system has refused a write: it is read-only now, and not watched any more. */
  get readOnly(): readonly string[] {
    return this.mountPoints.filter((_, index) => this.#refusing.has(index));
  }

  forget(): void {
    for (const writes of this.#writes) {
      writes.length = 0;
    }
  }

  /**
   * Resolves to when the last file system had taken a write begun after `sinceNs`; undefined where one
   * has not within `limitMs` from now. One that is read-only is not waited for.
   */
  async writable(sinceNs: bigint, limitMs: number): Promise<bigint | undefined> {
    const expired = delay(limitMs, 'expired' as const, { ref: false });
    for (;;) {
      const ends = this.#writes
        .filter((_, index) => !this.#refusing.has(index))
        .map((writes) => writes.find(({ startNs }) => startNs >= sinceNs));
      if (ends.every((write) => write !== undefined)) {
        return ends
          .map(({ endNs }) => endNs)
          .sort((a, b) => Number(a - b))
          .at(-1);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#listeners.add(resolve);
      const outcome = await Promise.race([promise, expired]);
      this.#listeners.delete(resolve);
      if (outcome === 'expired') {
        return undefined;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const probe of this.#probes) {
      probe[Symbol.dispose]();
    }
  }

  async #watch(probe: WriteProbe, index: number): Promise<void> {
    while (!this.#stopped && !this.#refusing.has(index)) {
      try {
        this.#writes[index]?.push(await probe.write());
      } catch {
        this.#refusing.add(index);
      }
      for (const resolve of this.#listeners) {
        resolve();
      }
      await delay(PAUSE_MS);
    }
  }
}
