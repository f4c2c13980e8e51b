const PAUSE_MS = 100;
const CLEAR_LINE = '\r\x1b[K';

/** One line on standard error that says how far a command is; nothing if that is no terminal. Gone when disposed. */
export class ProgressLine implements Disposable {
  #shownMs = 0;

  show(text: string): void {
    const nowMs = performance.now();
    if (process.stderr.isTTY && nowMs - this.#shownMs >= PAUSE_MS) {
      this.#shownMs = nowMs;
      process.stderr.write(`${CLEAR_LINE}${text}`);
    }
  }

  [Symbol.dispose](): void {
    if (this.#shownMs > 0) {
      process.stderr.write(CLEAR_LINE);
    }
  }
}
