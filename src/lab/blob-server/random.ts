import type { Latency } from './model.ts';

/** Uniform in [0, 1), the same sequence for the same seed (mulberry32). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How long a snapshot request waits before its image is copied, and when it is answered. */
export interface SnapshotTiming {
  readonly copyAfterMs: number;
  readonly answerAfterMs: number;
}

export function drawTiming(
  latency: Latency,
  copyAt: 'request' | 'answer' | 'random',
  random: Random,
): SnapshotTiming {
  const answerAfterMs =
    latency.kind === 'fixed'
      ? latency.ms
      : latency.fromMs + random() * (latency.toMs - latency.fromMs);
  const share = { request: 0, answer: 1, random: copyAt === 'random' ? random() : 0 }[copyAt];
  return { copyAfterMs: share * answerAfterMs, answerAfterMs };
}
