import type { Command } from 'commander';
import {
  addFireOption,
  addLabOptions,
  count,
  diskCounts,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import { type RecordedDisk, type RecordedRun, runRecorded } from '../peers/recorded.ts';
import { lengthMs, overlaps, type ProbePeriod, type Span } from '../probe/figures.ts';
import type { RoleTime } from '../process/thread-times.ts';
import { untilQuiet } from '../quiet.ts';
import { Rig } from '../rig.ts';
import { defineScenario, type Progress } from '../scenario.ts';
import { median, quantile } from '../statistics.ts';
import { renderTable } from '../table.ts';

interface AnatomyOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
  readonly lanes?: number;
  readonly fire?: 'early' | 'barrier';
}

/** Every step of one disk, what the server and the writer saw included. */
interface Steps extends RecordedDisk {
  readonly receivedMs: number;
  readonly answeredMs: number;
  /** The end of the last write before and of the first one after. */
  readonly writer: Span;
}

interface AnatomyRun {
  readonly barrierMs: number;
  readonly disks: readonly Steps[];
  readonly cpu: readonly RoleTime[];
}

interface AnatomyFigures {
  readonly disks: number;
  readonly runs: readonly AnatomyRun[];
  readonly failed: readonly string[];
}

export const anatomy = defineScenario<AnatomyOptions, readonly AnatomyFigures[]>({
  name: 'anatomy',
  summary: 'Where the time in the window goes, step by step',
  addOptions: (command: Command) => {
    command
      .option('--disks <counts>', 'numbers of disks, one after the other', diskCounts, [4, 16, 64])
      .option('--lanes <count>', 'threads for the requests; default: the product’s', count);
    addFireOption(command);
    addLabOptions(command, { rounds: 9 });
  },
  measure: async (options, progress) => {
    const figures: AnatomyFigures[] = [];
    for (const disks of options.disks) {
      figures.push(await measureSize(options, disks, progress));
    }
    return figures;
  },
  render: (figures) => figures.map(renderSize).join('\n'),
});

async function measureSize(
  options: AnatomyOptions,
  disks: number,
  progress: Progress,
): Promise<AnatomyFigures> {
  await using rig = await Rig.create(rigOptions(options, disks));
  await takeApart(rig, options);
  const runs: AnatomyRun[] = [];
  const failed: string[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    progress(`${disks} disks, round ${round + 1} of ${options.rounds}`);
    await untilQuiet(options.quiet ?? 1);
    try {
      runs.push(await takeApart(rig, options));
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { disks, runs, failed };
}

async function takeApart(rig: Rig, { fire, lanes }: AnatomyOptions): Promise<AnatomyRun> {
  rig.probe.begin();
  const run = await runRecorded(rig, { fire, lanes });
  const period = await rig.probe.end();
  const spans = await rig.snapshotSpans(period.startMs);
  return { barrierMs: run.barrierMs, disks: stepsOf(run, period, spans), cpu: run.cpu };
}

function stepsOf(
  { disks }: RecordedRun,
  { probes }: ProbePeriod,
  spans: readonly (Span | undefined)[],
): Steps[] {
  return disks.map((disk, index) => {
    const span = spans[index] ?? { startMs: 0, endMs: 0 };
    const around = (probes[index]?.pauses ?? []).filter((pause) => overlaps(pause, span));
    const writer = around.toSorted((a, b) => lengthMs(b) - lengthMs(a))[0] ?? span;
    return { ...disk, receivedMs: span.startMs, answeredMs: span.endMs, writer };
  });
}

interface Segment {
  readonly name: string;
  readonly of: (disk: Steps, run: AnatomyRun) => number;
}

const SEGMENTS: readonly Segment[] = [
  {
    name: 'writer’s last write → window begun',
    of: (disk) => disk.askedFreezeMs - disk.writer.startMs,
  },
  {
    name: 'window begun → FIFREEZE entered',
    of: (disk) => disk.freezeStartMs - disk.askedFreezeMs,
  },
  { name: 'FIFREEZE', of: (disk) => disk.frozenMs - disk.freezeStartMs },
  { name: 'frozen → main thread hears', of: (disk) => disk.heardFrozenMs - disk.frozenMs },
  { name: 'heard → fire asked for', of: (disk) => disk.askedFireMs - disk.heardFrozenMs },
  { name: 'fire asked for → request written', of: (disk) => disk.firedMs - disk.askedFireMs },
  { name: 'written → server receives', of: (disk) => disk.receivedMs - disk.firedMs },
  { name: 'server', of: (disk) => disk.answeredMs - disk.receivedMs },
  { name: 'answered → lane has the answer', of: (disk) => disk.acknowledgedMs - disk.answeredMs },
  {
    name: 'answer in → main thread hears',
    of: (disk) => disk.heardAcknowledgedMs - disk.acknowledgedMs,
  },
  { name: 'heard → thaw asked for', of: (disk) => disk.askedThawMs - disk.heardAcknowledgedMs },
  { name: 'asked to thaw → FITHAW entered', of: (disk) => disk.thawStartMs - disk.askedThawMs },
  { name: 'FITHAW', of: (disk) => disk.thawedMs - disk.thawStartMs },
  {
    name: 'FITHAW returned → writer’s next write done',
    of: (disk) => disk.writer.endMs - disk.thawedMs,
  },
  {
    name: 'own stamps: FIFREEZE entered → FITHAW returned',
    of: (disk) => disk.thawedMs - disk.freezeStartMs,
  },
  { name: 'writer: last write → next write', of: (disk) => lengthMs(disk.writer) },
];

interface Overall {
  readonly name: string;
  readonly of: (run: AnatomyRun) => number;
}

const earliest = (run: AnatomyRun, of: (disk: Steps) => number): number =>
  Math.min(...run.disks.map(of));
const latest = (run: AnatomyRun, of: (disk: Steps) => number): number =>
  Math.max(...run.disks.map(of));

/** From one milestone of the whole run to the next. */
const MILESTONES: readonly { readonly name: string; readonly at: (run: AnatomyRun) => number }[] = [
  { name: 'window begun', at: (run) => earliest(run, (it) => it.askedFreezeMs) },
  { name: 'first FIFREEZE entered', at: (run) => earliest(run, (it) => it.freezeStartMs) },
  { name: 'last FIFREEZE entered', at: (run) => latest(run, (it) => it.freezeStartMs) },
  { name: 'last FIFREEZE returned (barrier)', at: (run) => run.barrierMs },
  { name: 'last freeze heard', at: (run) => latest(run, (it) => it.heardFrozenMs) },
  { name: 'last fire asked for', at: (run) => latest(run, (it) => it.askedFireMs) },
  { name: 'last request written', at: (run) => latest(run, (it) => it.firedMs) },
  { name: 'last request at the server', at: (run) => latest(run, (it) => it.receivedMs) },
  { name: 'last answer sent', at: (run) => latest(run, (it) => it.answeredMs) },
  { name: 'last answer in', at: (run) => latest(run, (it) => it.acknowledgedMs) },
  { name: 'last answer heard', at: (run) => latest(run, (it) => it.heardAcknowledgedMs) },
  { name: 'last thaw asked for', at: (run) => latest(run, (it) => it.askedThawMs) },
  { name: 'last FITHAW entered', at: (run) => latest(run, (it) => it.thawStartMs) },
  { name: 'last FITHAW returned', at: (run) => latest(run, (it) => it.thawedMs) },
  { name: 'last writer writes again', at: (run) => latest(run, (it) => it.writer.endMs) },
];

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
  const roles = [...new Set(runs.flatMap(({ cpu }) => cpu.map(({ role }) => role)))];
  const of = (role: string, figureOf: (time: RoleTime) => number): number =>
    median(runs.map(({ cpu }) => figureOf(cpu.find((it) => it.role === role) ?? NO_TIME)));
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
    ],
    roles,
  );
}

const NO_TIME: RoleTime = { role: '', runMs: 0, waitMs: 0 };
