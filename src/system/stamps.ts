/** The earliest of CLOCK_MONOTONIC stamps in ns, of events that may not have happened. Undefined if none did. */
export function earliest(stamps: readonly (bigint | undefined)[]): bigint | undefined {
  let found: bigint | undefined;
  for (const stamp of stamps) {
    if (stamp !== undefined && (found === undefined || stamp < found)) {
      found = stamp;
    }
  }
  return found;
}

/** The latest of CLOCK_MONOTONIC stamps in ns, of events that may not have happened. Undefined if none did. */
export function latest(stamps: readonly (bigint | undefined)[]): bigint | undefined {
  let found: bigint | undefined;
  for (const stamp of stamps) {
    if (stamp !== undefined && (found === undefined || stamp > found)) {
      found = stamp;
    }
  }
  return found;
}

export function earlierOf(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** Converts milliseconds, also with a fraction, to whole nanoseconds. */
export function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1e6));
}

/** The time on CLOCK_MONOTONIC, in ns, so many milliseconds from now. */
export function deadlineIn(milliseconds: number): bigint {
  return process.hrtime.bigint() + nanoseconds(milliseconds);
}

/** Milliseconds from now to a time on CLOCK_MONOTONIC; negative if it has passed. */
export function millisecondsUntil(deadlineNs: bigint): number {
  return Number(deadlineNs - process.hrtime.bigint()) / 1e6;
}
