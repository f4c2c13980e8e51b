import { type ContenderSamples, compare, renderComparison } from './comparison.ts';
import { type LabScenarioOptions, rigOptions } from './options.ts';
import { LabRig, type Rig } from './rig.ts';
import { type Contender, measureNoise, type Noise } from './sample.ts';
import type { Progress } from './scenario.ts';

export interface SizesOptions extends LabScenarioOptions {
  /** Numbers of disks, one rig after the other. */
  readonly disks: readonly number[];
}

/** The same contenders on one number of disks. */
export interface SizedComparison {
  readonly disks: number;
  readonly noise: Noise;
  readonly contenders: readonly ContenderSamples[];
}

const NOISE_MS = 1_500;

export async function compareSizes(
  options: SizesOptions,
  contenders: readonly Contender[],
  progress: Progress,
): Promise<SizedComparison[]> {
  return await measureSizes(options.disks, progress, async (disks, say) => {
    await using rig = await LabRig.create(rigOptions(options, disks));
    return await compareOn(rig, options, contenders, say);
  });
}

/** Measures one number of disks after the other; `say` is told the progress and adds the number to it. */
export async function measureSizes<Figures>(
  sizes: readonly number[],
  progress: Progress,
  measure: (disks: number, say: Progress) => Promise<Figures>,
): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (const disks of sizes) {
    figures.push(await measure(disks, (line) => progress(`${disks} disks, ${line}`)));
  }
  return figures;
}

export async function compareOn(
  rig: Rig,
  options: LabScenarioOptions,
  contenders: readonly Contender[],
  progress: Progress,
): Promise<SizedComparison> {
  const disks = rig.urls.length;
  const noise = await measureNoise(rig, NOISE_MS);
  return { disks, noise, contenders: await compare(rig, contenders, options, progress) };
}

/** A table for each size, with the ratios of the first contender to the others. */
export function renderSizes(
  figures: readonly SizedComparison[],
  { fileSystems, latency }: SizesOptions,
): string {
  return figures
    .map(({ disks, contenders }) =>
      renderComparison(`${disks} disks, ${fileSystems}, ${latency} ms latency: ms`, contenders),
    )
    .join('\n\n');
}
