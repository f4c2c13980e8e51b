/** Times in ms on CLOCK_MONOTONIC; a double holds them to the nanosecond for months of uptime. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** What the stall probe says of one measuring period. */
export interface ProbePeriod extends Span {
  /** CPU time of the probe itself. */
  readonly cpuMs: number;
  /** One for each file, in the order given to the probe. */
  readonly probes: readonly ProbeFigures[];
}

export interface ProbeFigures {
  readonly writes: number;
  /** 0, or why the probe has stopped writing. */
  readonly errno: number;
  /** Pauses that are missing because there were too many. */
  readonly dropped: number;
  /** Bucket k counts pauses of 2^k to 2^(k+1) µs. */
  readonly histogram: readonly number[];
  /** Pauses between two writes that took longer than 1.5 intervals, in order. */
  readonly pauses: readonly Pause[];
}

/** From the end of one write to the end of the next. */
export interface Pause extends Span {
  /** Start of the write that ends it. */
  readonly writeMs: number;
}

interface RawPeriod {
  readonly beginNs: string;
  readonly endNs: string;
  readonly cpuNs: number;
  readonly probes: readonly (Omit<ProbeFigures, 'pauses'> & {
    readonly pauses: readonly (readonly [start: number, write: number, end: number])[];
  })[];
}

/** Reads the line with which the probe answers `end`. */
export function parsePeriod(line: string): ProbePeriod {
  const raw = JSON.parse(line) as RawPeriod;
  const startMs = millisecondsOf(BigInt(raw.beginNs));
  return {
    startMs,
    endMs: millisecondsOf(BigInt(raw.endNs)),
    cpuMs: raw.cpuNs / 1e6,
    probes: raw.probes.map((probe) => ({
      ...probe,
      pauses: probe.pauses.map(([start, write, end]) => ({
        startMs: startMs + start / 1e6,
        writeMs: startMs + write / 1e6,
        endMs: startMs + end / 1e6,
      })),
    })),
  };
}

/** Of a CLOCK_MONOTONIC stamp in ns. */
export function millisecondsOf(ns: bigint): number {
  return Number(ns) / 1e6;
}

export function lengthMs({ startMs, endMs }: Span): number {
  return endMs - startMs;
}

export function overlaps(a: Span, b: Span): boolean {
  return a.startMs < b.endMs && b.startMs < a.endMs;
}

/** 0 if there is none. */
export function longestMs(pauses: readonly Span[]): number {
  return pauses.reduce((longest, pause) => Math.max(longest, lengthMs(pause)), 0);
}

/**
 * What one writer felt of one snapshot.
 *
 * @param taken when the snapshot was certainly being taken: its file system must have stood still
 */
export function stallOf({ pauses }: ProbeFigures, taken: Span): Stall {
  const around = pauses.filter((pause) => overlaps(pause, taken));
  const elsewhere = pauses.filter((pause) => !overlaps(pause, taken));
  return {
    stallMs: longestMs(around),
    stood: stoodStill(around, taken),
    elsewhereMs: longestMs(elsewhere),
  };
}

export interface Stall {
  readonly stallMs: number;
  /** No write was begun and ended while the snapshot was being taken. */
  readonly stood: boolean;
  /** Longest pause at another time: what preparing and settling cost the writer. */
  readonly elsewhereMs: number;
}

/**
 * The pauses, in order, cover the span without a gap. A write that began before the span may end in
 * it: a writer that has come back from the kernel and waits for a processor stamps its end late.
 */
function stoodStill(pauses: readonly Pause[], { startMs, endMs }: Span): boolean {
  let coveredMs: number | undefined;
  for (const pause of pauses) {
    const joins = coveredMs === undefined ? pause.startMs <= startMs : pause.startMs === coveredMs;
    if (!joins) {
      return false;
    }
    if (pause.endMs < endMs && pause.writeMs >= startMs) {
      return false;
    }
    coveredMs = pause.endMs;
  }
  return coveredMs !== undefined && coveredMs >= endMs;
}
