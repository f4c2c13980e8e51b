/** A longer head than undici itself would accept is passed on, so that undici refuses it. */
const HEAD_LIMIT_BYTES = 16 * 1_024;
const NOTHING = Buffer.alloc(0);
const END_OF_HEAD = '\r\n\r\n';
/** An interim answer; 101 (Switching Protocols) is final. */
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d$/;
const EXAMPLE = 'HTTP/1.1 100';

/**
 * Takes the interim answers (100, 102, 103) out of what a server sends. A client must accept them at any time and may
 * ignore them (RFC 9110, 15.2), but undici closes the connection on a 100 that was not asked for.
 */
export class InterimAnswers {
  /** How many final answers have begun. */
  finalAnswers = 0;
  #awaitsHead = true;
  #held: Buffer = NOTHING;

  /** The bytes that follow begin with the head of an answer. */
  requestSent(): void {
    this.#awaitsHead = true;
  }

  /** @returns what belongs to the final answer; empty if that is not known yet */
  withoutInterim(chunk: Buffer): Buffer {
    if (!this.#awaitsHead) {
      return chunk;
    }
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    while (mayBeInterim(rest)) {
      const end = rest.indexOf(END_OF_HEAD);
      if (end === -1 && rest.length <= HEAD_LIMIT_BYTES) {
        this.#held = rest;
        return NOTHING;
      }
      if (end === -1) {
        break;
      }
      rest = rest.subarray(end + END_OF_HEAD.length);
    }
    this.#awaitsHead = false;
    this.finalAnswers += 1;
    return rest;
  }
}

/** Whether bytes begin an interim answer, or are too few to say. */
function mayBeInterim(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, EXAMPLE.length);
  return INTERIM.test(start + EXAMPLE.slice(start.length));
}
