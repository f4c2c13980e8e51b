/** As much of what a command prints is kept in memory while nothing may be written. */
export const MAX_HELD_BYTES = 16 * 1024 * 1024;

export type OutputStream = 'stdout' | 'stderr';

interface Piece {
  readonly stream: OutputStream;
  readonly bytes: Buffer;
}

/** What a command prints, byte for byte and in the order in which it came, up to a limit. */
export class HeldOutput {
  readonly #maxBytes: number;
  readonly #pieces: Piece[] = [];
  #heldBytes = 0;
  #lostBytes = 0;

  constructor(maxBytes: number = MAX_HELD_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** What came after the limit was reached and is not kept. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  add(stream: OutputStream, chunk: Buffer): void {
    const bytes = chunk.subarray(0, this.#maxBytes - this.#heldBytes);
    this.#heldBytes += bytes.length;
    this.#lostBytes += chunk.length - bytes.length;
    if (bytes.length > 0) {
      this.#pieces.push({ stream, bytes });
    }
  }

  pieces(): readonly Piece[] {
    return this.#pieces;
  }

  text(stream: OutputStream): string {
    const bytes = this.#pieces.filter((piece) => piece.stream === stream).map((it) => it.bytes);
    return Buffer.concat(bytes).toString('utf8');
  }
}
