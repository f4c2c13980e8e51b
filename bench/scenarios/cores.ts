import { availableParallelism } from 'node:os';
import type { Role, RoleTime } from '../../src/system/thread-times.ts';
import { type AnatomyRun, takeApart } from '../anatomy.ts';
import { simulateWindow, type WindowModel } from '../cores/simulate-window.ts';
import {
  addDiskCountsOption,
  addLabOptions,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { type Rounds, repeat } from '../repeat.ts';
import { LabRig } from '../rig.ts';
import { ranMs } from '../sample.ts';
import { defineScenario } from '../scenario.ts';
import { measureSizes } from '../sizes.ts';
import { median, quantile } from '../statistics.ts';
import { renderTable } from '../table.ts';

interface CoresOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
}

/** The command as it is, and, by itself, with every step noted: noting takes the main thread some time. */
interface CoresRun {
  readonly stallMs: number;
  readonly threads: readonly RoleTime[];
  readonly noted: AnatomyRun;
}

interface CoresFigures extends Rounds<CoresRun> {
  readonly disks: number;
  /** Of this machine, as far as this process may use them. */
  readonly cores: number;
}

const SIMULATED_CORES = [1, 2, 4, 8, 16, 64];
const SIMULATED_LANES = [1, 2, 4];

export const cores = defineScenario<CoresOptions, readonly CoresFigures[]>({
  name: 'cores',
  summary:
    'What more cores would change: the window simulated from the processor time that this machine needs',
  addOptions: (command) => {
    addDiskCountsOption(command, [4, 16, 64]);
    addLabOptions(command, { rounds: 7 });
  },
  measure: (options, progress) =>
    measureSizes(options.disks, progress, async (disks, say) => {
      await using rig = await LabRig.create(rigOptions(options, disks));
      const measured = await repeat(options, () => measureOnce(rig), say);
      return { disks, cores: availableParallelism(), ...measured };
    }),
  render: (figures, options) =>
    figures.map((figure) => renderSize(figure, options.latency)).join('\n\n'),
});

/** @throws Error if a run fails */
async function measureOnce(rig: LabRig): Promise<CoresRun> {
  const sample = await flashfreeze().takeSample(rig);
  if (!sample.ok) {
    throw new Error(sample.reason);
  }
  const { maxStallMs: stallMs, own } = sample;
  return { stallMs, threads: own.threads ?? [], noted: await takeApart(rig, {}) };
}

/** The longest stall that the model has for this machine, and the one that was measured. */
function renderSize({ disks, cores: own, runs, failed }: CoresFigures, latencyMs: number): string {
  const model = modelOf(runs, { disks, latencyMs });
  const here = simulateWindow({ ...model, cores: own, lanes: 1 });
  const measured = median(runs.map(({ stallMs }) => stallMs));
  const columns = SIMULATED_LANES.map((lanes) => ({
    head: lanes === 1 ? '1 lane' : `${lanes} lanes`,
    value: (count: number) => simulateWindow({ ...elsewhere(model), cores: count, lanes }),
    decimals: 1,
  }));
  return [
    renderTable(
      `${disks} disks: longest stall, ms, simulated, with server and writers on other machines`,
      [{ head: 'cores', value: (count: number) => String(count) }, ...columns],
      SIMULATED_CORES,
    ),
    `${own === 1 ? '1 core' : `${own} cores`} with server and writers: measured ${measured.toFixed(1)} ms, simulated ${here.toFixed(1)} ms`,
    ...failed.map((reason) => `! failed: ${reason}`),
  ].join('\n');
}

type Measured = Omit<WindowModel, 'cores' | 'lanes'>;

function modelOf(
  runs: readonly CoresRun[],
  known: Pick<Measured, 'disks' | 'latencyMs'>,
): Measured {
  const own = (role: Role): number => median(runs.map((run) => ranMs(run, role)));
  const beside = (who: string): number =>
    median(runs.map(({ noted }) => noted.cpu.find((it) => it.who === who)?.runMs ?? 0));
  const freezes = runs.flatMap(({ noted }) =>
    noted.disks.map((it) => it.frozenMs - it.freezeStartMs),
  );
  return {
    ...known,
    // Those that had to wait for a processor the least.
    freezeWaitMs: quantile(freezes, 0.1),
    main: own('main') / known.disks,
    lane: own('requests') / known.disks,
    native: own('freezer') / known.disks,
    server: beside('lab server') / known.disks,
    writer: beside('stall probe') / known.disks,
  };
}

function elsewhere(model: Measured): Measured {
  return { ...model, server: 0, writer: 0 };
}
