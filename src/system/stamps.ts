/** Of CLOCK_MONOTONIC stamps in ns; undefined ones did not happen. Undefined where none did. */
export function earliest(stamps: readonly (bigint | undefined)[]): bigint | undefined {
  let found: bigint | undefined;
  for (const stamp of stamps) {
    if (stamp !== undefined && (found === undefined || stamp < found)) {
      found = stamp;
    }
  }
  return found;
}

/** Likewise. */
export function latest(stamps: readonly (bigint | undefined)[]): bigint | undefined {
  let found: bigint | undefined;
  for (const stamp of stamps) {
    if (stamp !== undefined && (found === undefined || stamp > found)) {
      found = stamp;
    }
  }
  return found;
}
