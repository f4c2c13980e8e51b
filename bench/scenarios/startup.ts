import type { Command } from 'commander';
import {
  addDiskCountsOption,
  addLabOptions,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import { runFlashfreeze } from '../peers/flashfreeze.ts';
import { millisecondsOf, overlaps } from '../probe/figures.ts';
import { type Rounds, repeat } from '../repeat.ts';
import { LabRig } from '../rig.ts';
import { defineScenario } from '../scenario.ts';
import { measureSizes } from '../sizes.ts';
import { quantile } from '../statistics.ts';
import { renderTable } from '../table.ts';

interface StartupOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
}

/** One run from the start of its process to its end, ms. */
export interface StartupRun {
  /** Until the first writer stands still. */
  readonly toFreezeMs: number;
  /** Of these, the phases before the window by the run's own stamps; the rest is the program's start. */
  readonly phasesMs: Readonly<Record<string, number>>;
  readonly wholeMs: number;
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

interface StartupFigures extends Rounds<StartupRun> {
  readonly disks: number;
}

const WINDOW = 'window';

export const startup = defineScenario<StartupOptions, readonly StartupFigures[]>({
  name: 'startup',
  summary: 'From the start of the command to the first FIFREEZE, phase by phase; memory',
  addOptions: (command: Command) => {
    addDiskCountsOption(command, [1, 4, 16, 64]);
    addLabOptions(command, { rounds: 9 });
  },
  measure: (options, progress) =>
    measureSizes(options.disks, progress, async (disks, say) => {
      await using rig = await LabRig.create(rigOptions(options, disks));
      return { disks, ...(await repeat(options, () => startOnce(rig), say)) };
    }),
  render: (figures, { fileSystems }) => renderStartup(figures, fileSystems),
});

/** Throws Error if the run fails. */
async function startOnce(rig: LabRig): Promise<StartupRun> {
  rig.probe.begin();
  const beganMs = now();
  const run = await runFlashfreeze(rig);
  const endedMs = now();
  const { probes, startMs } = await rig.probe.end();
  if (!run.ok) {
    throw new Error(run.reason);
  }
  const spans = await rig.snapshotSpans(startMs);
  const stalls = probes.flatMap(({ pauses }, index) => {
    const span = spans[index];
    return span === undefined ? [] : pauses.filter((pause) => overlaps(pause, span));
  });
  return {
    toFreezeMs: Math.min(...stalls.map((stall) => stall.startMs)) - beganMs,
    phasesMs: beforeWindow(run.printed.phasesMs),
    wholeMs: endedMs - beganMs,
    ...run.usage,
  };
}

function now(): number {
  return millisecondsOf(process.hrtime.bigint());
}

/** In their order, without the window and what comes after it. */
function beforeWindow(phasesMs: Readonly<Record<string, number>>): Record<string, number> {
  const phases = Object.entries(phasesMs);
  return Object.fromEntries(
    phases.slice(
      0,
      phases.findIndex(([name]) => name === WINDOW),
    ),
  );
}

/** What is no phase: Node's own start, the program, its arguments. */
export function programStartMs({ toFreezeMs, phasesMs }: StartupRun): number {
  return Object.values(phasesMs).reduce((rest, ms) => rest - ms, toFreezeMs);
}

function renderStartup(figures: readonly StartupFigures[], fileSystems: string): string {
  const phases = [...new Set(figures.flatMap(({ runs }) => runs.flatMap(phasesOf)))];
  const column = (head: string, of: (run: StartupRun) => number, share = 0.5) => ({
    head,
    value: ({ runs }: StartupFigures) => quantile(runs.map(of), share),
    decimals: 0,
  });
  const columns = [
    { head: 'disks', value: ({ disks }: StartupFigures) => disks, decimals: 0 },
    column('to first\nFIFREEZE', ({ toFreezeMs }) => toFreezeMs),
    column('\np90', ({ toFreezeMs }) => toFreezeMs, 0.9),
    column('program’s\nstart', programStartMs),
    ...phases.map((name) => column(`\n${name}`, ({ phasesMs }) => phasesMs[name] ?? 0)),
    column('whole\nrun', ({ wholeMs }) => wholeMs),
    column('CPU ms', ({ cpuMs }) => cpuMs),
    column('peak MB', ({ peakRssMb }) => peakRssMb),
    {
      head: 'failed',
      value: ({ runs, failed }: StartupFigures) =>
        `${failed.length} of ${runs.length + failed.length}`,
    },
  ];
  return [
    renderTable(`From the start of the command, ${fileSystems}, medians: ms`, columns, figures),
    ...figures.flatMap(({ disks, failed }) =>
      failed.map((reason) => `! ${disks} disks: ${reason}`),
    ),
  ].join('\n');
}

function phasesOf({ phasesMs }: StartupRun): string[] {
  return Object.keys(phasesMs);
}
