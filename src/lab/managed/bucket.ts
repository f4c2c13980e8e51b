/** Also of a bucket that nothing comes back to. */
const LONGEST_WAIT_SECONDS = 3600;

/** So many requests at once, and so many more with every second. Times are in ms, from any start. */
export class Bucket {
  readonly #capacity: number;
  readonly #perSecond: number;
  #left: number;
  #filledMs: number | undefined;
  #shutUntilMs = Number.NEGATIVE_INFINITY;

  constructor(capacity: number, perSecond: number) {
    this.#capacity = capacity;
    this.#perSecond = perSecond;
    this.#left = capacity;
  }

  /** @returns seconds to wait if there is nothing left; who asks earlier waits from the start again */
  take(nowMs: number): number | undefined {
    const comeBack = ((nowMs - (this.#filledMs ?? nowMs)) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#capacity, this.#left + comeBack);
    this.#filledMs = nowMs;
    if (this.#left < 1 || nowMs < this.#shutUntilMs) {
      const fillSeconds = Math.ceil((1 - this.#left) / this.#perSecond);
      const seconds = Math.min(Math.max(1, fillSeconds), LONGEST_WAIT_SECONDS);
      this.#shutUntilMs = nowMs + seconds * 1000;
      return seconds;
    }
    this.#left -= 1;
    return undefined;
  }

  get left(): number {
    return Math.max(0, Math.floor(this.#left));
  }
}
