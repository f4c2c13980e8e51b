import type { Command } from 'commander';
import { type AnatomyRun, MILESTONES, SEGMENTS, takeApart } from '../anatomy.ts';
import {
  addDiskCountsOption,
  addFireOption,
  addLabOptions,
  count,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import type { ProcessorTime } from '../peers/recorded.ts';
import { type Rounds, repeat } from '../repeat.ts';
import { LabRig } from '../rig.ts';
import { defineScenario } from '../scenario.ts';
import { measureSizes } from '../sizes.ts';
import { median, quantile } from '../statistics.ts';
import { renderTable } from '../table.ts';

interface AnatomyOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
  readonly lanes?: number;
  readonly fire?: 'early' | 'barrier';
}

interface AnatomyFigures extends Rounds<AnatomyRun> {
  readonly disks: number;
}

export const anatomy = defineScenario<AnatomyOptions, readonly AnatomyFigures[]>({
  name: 'anatomy',
  summary: 'Where the time in the window goes, step by step',
  addOptions: (command: Command) => {
    addDiskCountsOption(command, [4, 16, 64]);
    command.option('--lanes <count>', 'threads for the requests; default: the product’s', count);
    addFireOption(command);
    addLabOptions(command, { rounds: 9 });
  },
  measure: (options, progress) =>
    measureSizes(options.disks, progress, async (disks, say) => {
      await using rig = await LabRig.create(rigOptions(options, disks));
      return { disks, ...(await repeat(options, () => takeApart(rig, options), say)) };
    }),
  render: (figures) => figures.map(renderSize).join('\n'),
});

interface Overall {
  readonly name: string;
  readonly of: (run: AnatomyRun) => number;
}

const OVERALL: readonly Overall[] = MILESTONES.slice(1).map(({ name, at }, index) => ({
  name: `→ ${name}`,
  of: (run) => at(run) - (MILESTONES[index]?.at(run) ?? 0),
}));

function renderSize({ disks, runs, failed }: AnatomyFigures): string {
  const all = runs.flatMap((run) => run.disks.map((disk) => ({ disk, run })));
  const segments = SEGMENTS.map(({ name, of }) => ({
    name,
    figures: all.map(({ disk, run }) => of(disk, run)),
  }));
  const overall = OVERALL.map(({ name, of }) => ({ name, figures: runs.map(of) }));
  type Row = (typeof segments)[number];
  const columns = [
    { head: 'step', value: ({ name }: Row) => name },
    { head: 'p10', value: ({ figures }: Row) => quantile(figures, 0.1), decimals: 2 },
    { head: 'median', value: ({ figures }: Row) => median(figures), decimals: 2 },
    { head: 'p90', value: ({ figures }: Row) => quantile(figures, 0.9), decimals: 2 },
    { head: 'max', value: ({ figures }: Row) => quantile(figures, 1), decimals: 2 },
  ];
  return [
    renderTable(`${disks} disks, ${runs.length} runs: each disk, ms`, columns, segments),
    renderTable(`${disks} disks: the whole, from one milestone to the next, ms`, columns, overall),
    renderCpu(disks, runs),
    ...failed.map((reason) => `! failed: ${reason}`),
  ].join('\n');
}

function renderCpu(disks: number, runs: readonly AnatomyRun[]): string {
  const roles = [...new Set(runs.flatMap(({ cpu }) => cpu.map(({ who }) => who)))];
  const of = (role: string, figureOf: (time: ProcessorTime) => number): number =>
    median(runs.map(({ cpu }) => figureOf(cpu.find(({ who }) => who === role) ?? NO_TIME)));
  return renderTable(
    `${disks} disks: CPU time in the window, medians`,
    [
      { head: 'who', value: (role: string) => role },
      { head: 'ran, ms', value: (role) => of(role, ({ runMs }) => runMs), decimals: 2 },
      {
        head: 'µs a disk',
        value: (role) => of(role, ({ runMs }) => runMs * 1_000) / disks,
        decimals: 0,
      },
      {
        head: 'waited for a processor, ms',
        value: (role) => of(role, ({ waitMs }) => waitMs),
        decimals: 2,
      },
      {
        head: 'page faults',
        value: (role) => of(role, ({ pageFaults }) => pageFaults),
        decimals: 0,
      },
    ],
    roles,
  );
}

const NO_TIME: ProcessorTime = { who: '', runMs: 0, waitMs: 0, pageFaults: 0 };
