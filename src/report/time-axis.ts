import type { Timeline } from './timeline.ts';

/** The position of each time in the picture. */
export interface TimeAxis {
  /** In percent of the width; a time outside the axis gets the position of the nearest edge. */
  position(ms: number): number;
  readonly ticks: readonly Tick[];
  /** The first FIFREEZE, in percent. */
  readonly freezePercent: number;
  /** The part before the first FIFREEZE has a different scale. */
  readonly isCompressed: boolean;
  /** Length of that part. */
  readonly beforeMs: number;
}

export interface Tick {
  readonly percent: number;
  /** Milliseconds since the first FIFREEZE. */
  readonly label: string;
}

/** The part before the freeze gets at most this share of the width, regardless of how long it took. */
const MAX_BEFORE_PERCENT = 8;
/** Room at the right edge, as a fraction of the window. */
const ROOM = 0.03;
const TICKS_BEFORE = 2;
const TICKS_AFTER = 6;

/**
 * The axis from the first flush to the last thaw or answer. A flush may take seconds, and the window takes some
 * milliseconds; in that case the part before the first FIFREEZE has a different scale.
 */
export function timeAxis({ fileSystems, disks, barrierMs, endMs }: Timeline): TimeAxis {
  const freezes = fileSystems.flatMap((it) => it.freezes);
  const requests = disks.flatMap(({ request }) => (request === null ? [] : [request]));
  const stamps = [
    ...freezes.flatMap(({ startMs, frozenMs, thaw }) => [startMs, frozenMs ?? startMs, thaw?.[1]]),
    ...requests.flat(),
    barrierMs ?? undefined,
  ].filter((stamp) => stamp !== undefined);
  const zero = Math.min(...stamps, ...(stamps.length === 0 ? [0] : []));
  const last = Math.max(...stamps, ...(stamps.length === 0 ? [endMs] : []));
  const first = Math.min(zero, ...fileSystems.flatMap(({ settle }) => settle?.[0] ?? []));
  return piecewise(first, zero, zero + Math.max(last - zero, 0.001) * (1 + ROOM));
}

function piecewise(first: number, zero: number, last: number): TimeAxis {
  const beforeMs = zero - first;
  const natural = (100 * beforeMs) / (last - first);
  const isCompressed = natural > MAX_BEFORE_PERCENT;
  const freezePercent = Math.min(MAX_BEFORE_PERCENT, natural);
  const position = (ms: number): number => {
    const percent =
      ms < zero
        ? ((ms - first) / beforeMs) * freezePercent
        : freezePercent + ((ms - zero) / (last - zero)) * (100 - freezePercent);
    return Math.min(100, Math.max(0, percent));
  };
  const tick = (sinceZero: number): Tick => ({
    percent: position(zero + sinceZero),
    label: labelOf(sinceZero),
  });
  const before = niceTicks(beforeMs, TICKS_BEFORE).filter((ms) => ms > 0);
  const roomBefore = isCompressed
    ? []
    : before.filter((ms) => freezePercent - position(zero - ms) > 6);
  return {
    position,
    freezePercent,
    isCompressed,
    beforeMs,
    ticks: [
      ...roomBefore.map((ms) => tick(-ms)).reverse(),
      ...niceTicks(last - zero, TICKS_AFTER).map(tick),
    ],
  };
}

/** Multiples of 1, 2 or 5 times a power of ten from 0 to the length; about the wanted number of them. */
export function niceTicks(length: number, wanted: number): number[] {
  if (!(length > 0)) {
    return [];
  }
  const rough = length / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((it) => it * power).find((it) => it >= rough) ?? rough;
  const count = Math.floor(length / step);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

function labelOf(ms: number): string {
  return Number(ms.toPrecision(6)).toString().replace('-', '−');
}
