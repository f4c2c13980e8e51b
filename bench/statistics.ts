/** What a set of figures comes to. All NaN if there are none. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p90: number;
  readonly max: number;
  readonly mean: number;
}

export function summarizeFigures(figures: readonly number[]): Summary {
  return {
    count: figures.length,
    min: quantile(figures, 0),
    p25: quantile(figures, 0.25),
    median: median(figures),
    p75: quantile(figures, 0.75),
    p90: quantile(figures, 0.9),
    max: quantile(figures, 1),
    mean: mean(figures),
  };
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

export function mean(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}

/** @param share from 0 to 1; between two figures it is interpolated. NaN if there are none. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * What interleaved measurements are compared by: the ratio within each pair, because what disturbs a
 * machine for seconds disturbs both of a pair. Pairs of which one has failed (undefined) are left out.
 */
export function pairRatios(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
): number[] {
  return ours.flatMap((own, index) => {
    const other = theirs[index];
    return own === undefined || other === undefined ? [] : [own / other];
  });
}

/** 0 A B, 1 B A, 2 A B, …: so that neither always runs after the other. */
export function orderOfRound<T>(round: number, contenders: readonly T[]): readonly T[] {
  return round % 2 === 0 ? contenders : contenders.toReversed();
}
