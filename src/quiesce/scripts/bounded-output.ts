/** As much of the beginning, and as much of the end, of what a script prints is kept. */
export const KEPT_BYTES = 8 * 1024;

/**
 * Keeps the beginning and the end of a stream in bounded memory, however much comes. Only whole lines are kept:
 * the piece of a line that is cut could be the piece of a secret by which redaction does not know it.
 */
export class BoundedOutput {
  readonly #keptBytes: number;
  #head = Buffer.alloc(0);
  /** What came after the head, as far as it still may be kept. */
  #tail = Buffer.alloc(0);
  #totalBytes = 0;

  constructor(keptBytes: number = KEPT_BYTES) {
    this.#keptBytes = keptBytes;
  }

  add(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const room = this.#keptBytes - this.#head.length;
    if (room > 0) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
    }
    const rest = chunk.subarray(Math.max(0, room));
    if (rest.length > 0) {
      // Copied, so that the chunk itself is not kept alive.
      const joined = rest.length >= this.#keptBytes ? rest : Buffer.concat([this.#tail, rest]);
      this.#tail = Buffer.from(joined.subarray(-this.#keptBytes));
    }
  }

  /** What is kept, without the last line feed; says how much was left out. Empty if nothing came. */
  text(): string {
    const isWhole = this.#totalBytes <= this.#head.length + this.#tail.length;
    if (isWhole) {
      return Buffer.concat([this.#head, this.#tail]).toString('utf8').trimEnd();
    }
    const head = this.#head.subarray(0, this.#head.lastIndexOf(LINE_FEED) + 1);
    const firstFeed = this.#tail.indexOf(LINE_FEED);
    const tail = firstFeed < 0 ? '' : this.#tail.subarray(firstFeed + 1).toString('utf8');
    const left = this.#totalBytes - head.length - Buffer.byteLength(tail);
    return `${head.toString('utf8')}… ${left} bytes left out …\n${tail}`.trimEnd();
  }
}

const LINE_FEED = 0x0a;
