import { MILESTONES } from '../anatomy.ts';
import { maxStall, ratioOf, reasonsOf, summarizeSamples } from '../comparison.ts';
import { FREEZE_MANNERS, nameOf } from '../peers/freeze-cost.ts';
import { median } from '../statistics.ts';
import { type Column, renderTable } from '../table.ts';
import type { ScaledFigures } from './scale.ts';

/** Stages of the window, by the milestone that ends each. */
export const STAGES = [
  { name: 'freeze', until: 'last FIFREEZE returned (barrier)' },
  { name: 'send', until: 'last request at the server' },
  { name: 'server', until: 'last answer sent' },
  { name: 'receive', until: 'last answer heard' },
  { name: 'thaw', until: 'last writer writes again' },
] as const;

/** Median ms of each stage. */
export function stagesOf({ steps }: ScaledFigures): number[] {
  const ends = STAGES.map(({ until }) => MILESTONES.findIndex(({ name }) => name === until));
  return ends.map((end, stage) => {
    const begin = stage === 0 ? 0 : (ends[stage - 1] ?? 0);
    return median(
      steps.runs.map(({ reachedMs }) => (reachedMs[end] ?? 0) - (reachedMs[begin] ?? 0)),
    );
  });
}

/** Median ms of the processors in the window, of those whose role begins so. */
export function processorMs({ steps }: ScaledFigures, role: string): number {
  return median(
    steps.runs.map(({ cpu }) =>
      cpu.filter((it) => it.who.startsWith(role)).reduce((sum, { runMs }) => sum + runMs, 0),
    ),
  );
}

/** The beginnings of the roles' names. */
export const ROLES = ['main thread', 'lanes', 'native threads', 'V8', 'lab server', 'stall probe'];

export function renderScale(figures: readonly ScaledFigures[]): string {
  const disks: Column<ScaledFigures> = { head: 'disks', value: (it) => it.disks, decimals: 0 };
  return [
    renderTable(
      'What writers feel, and the stages it is made of: medians, ms',
      [disks, ...stalls(figures)],
      figures,
    ),
    renderTable(
      'Processors’ time in the window: µs a disk, medians',
      [
        disks,
        ...ROLES.map(
          (role): Column<ScaledFigures> => ({
            head: role,
            value: (it) => (processorMs(it, role) * 1_000) / it.disks,
            decimals: 0,
          }),
        ),
        {
          head: 'all',
          value: (it) => (processorMs(it, '') * 1_000) / it.disks,
          decimals: 0,
        },
      ],
      figures,
    ),
    renderTable(
      'Freezing alone, settled before: medians, ms',
      [
        disks,
        ...FREEZE_MANNERS.map(
          (manner, index): Column<ScaledFigures> => ({
            head: nameOf(manner),
            value: ({ freezes }) => median(freezes[index]?.costs.runs ?? []),
          }),
        ),
      ],
      figures,
    ),
    ...figures.flatMap(({ disks: count, contenders, steps, freezes }) =>
      [
        ...contenders.flatMap(({ samples }) => reasonsOf(samples)),
        ...steps.failed,
        ...freezes.flatMap(({ costs }) => costs.failed),
      ].map((reason) => `! ${count} disks: ${reason}`),
    ),
  ].join('\n');
}

function stalls(figures: readonly ScaledFigures[]): Column<ScaledFigures>[] {
  const stallOf = ({ contenders: [ours] }: ScaledFigures): number =>
    summarizeSamples(ours?.samples ?? [], maxStall).median;
  return [
    { head: 'max stall', value: stallOf },
    {
      head: '÷ floor',
      value: ({ contenders: [ours, floor] }) =>
        ratioOf(ours?.samples ?? [], floor?.samples ?? [], maxStall).median,
      decimals: 2,
    },
    {
      head: 'µs for each\nfurther disk',
      value: (it) => furtherDiskUs(figures, it, stallOf),
      decimals: 0,
    },
    ...STAGES.map(
      ({ name }, index): Column<ScaledFigures> => ({
        head: name,
        value: (it) => stagesOf(it)[index] ?? Number.NaN,
      }),
    ),
    {
      head: 'peak MB',
      value: ({ contenders: [ours] }) =>
        summarizeSamples(ours?.samples ?? [], ({ usage }) => usage.peakRssMb).max,
      decimals: 0,
    },
  ];
}

/** From the next smaller size to this one. */
function furtherDiskUs(
  figures: readonly ScaledFigures[],
  it: ScaledFigures,
  stallOf: (figures: ScaledFigures) => number,
): number {
  const smaller = figures[figures.indexOf(it) - 1];
  return smaller === undefined
    ? Number.NaN
    : ((stallOf(it) - stallOf(smaller)) * 1_000) / (it.disks - smaller.disks);
}
