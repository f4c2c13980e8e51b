export interface UvuTotals {
  readonly total: number;
  readonly passed: number;
}

/** Reads the figures of the summary that uvu prints at a file's end; undefined if it is missing. */
export function parseUvuTotals(output: string): UvuTotals | undefined {
  const total = lastNumber(output, /^\s*Total:\s+(\d+)/gm);
  const passed = lastNumber(output, /^\s*Passed:\s+(\d+)/gm);
  return total === undefined || passed === undefined ? undefined : { total, passed };
}

function lastNumber(output: string, pattern: RegExp): number | undefined {
  const last = [...output.matchAll(pattern)].at(-1)?.[1];
  return last === undefined ? undefined : Number(last);
}
