/** How much of a command's output is kept in memory while nothing may be written. */
export const MAX_HELD_BYTES = 16 * 1024 * 1024;

export type OutputStream = 'stdout' | 'stderr';

interface Piece {
  readonly stream: OutputStream;
  readonly bytes: Buffer;
}

/** The output of a command, byte for byte and in the order of arrival, up to a limit. */
export class HeldOutput {
  readonly #maxBytes: number;
  readonly #pieces: Piece[] = [];
  #heldBytes = 0;
  #lostBytes = 0;

  constructor(maxBytes: number = MAX_HELD_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Number of bytes that arrived after the limit was reached and are not kept. */
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
