import {
  addLabOptions,
  count,
  diskCount,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import { runRecorded } from '../peers/recorded.ts';
import { type Rounds, repeat } from '../repeat.ts';
import { LabRig } from '../rig.ts';
import { defineScenario } from '../scenario.ts';
import { summarizeFigures } from '../statistics.ts';
import { type Column, renderTable } from '../table.ts';

interface AtOptions extends LabScenarioOptions {
  readonly disks: number;
  readonly lead: number;
}

/** First FIFREEZE entered minus the time asked for, ms; negative = too early. */
type AtFigures = Rounds<number>;

export const at = defineScenario<AtOptions, AtFigures>({
  name: 'at',
  summary: 'Scheduled start: how far the first FIFREEZE is from the time asked for',
  addOptions: (command) => {
    command
      .option('--disks <count>', 'number of disks', diskCount, 8)
      .option('--runs <count>', 'same as --rounds', count)
      .option('--lead <ms>', 'from the start of the process to the time asked for', count, 2_500);
    addLabOptions(command, { rounds: 20 });
    command.on('option:runs', (runs) => command.setOptionValue('rounds', count(runs)));
  },
  measure: async (options, progress) => {
    await using rig = await LabRig.create(rigOptions(options, options.disks));
    return await repeat(options, () => deviationMs(rig, options.lead), progress);
  },
  render: renderAt,
});

async function deviationMs(rig: LabRig, leadMs: number): Promise<number> {
  const startAt = Date.now() + leadMs;
  const { disks, realtimeOffsetMs } = await runRecorded(rig, { startAt });
  const first = Math.min(...disks.map(({ freezeStartMs }) => freezeStartMs));
  return first + realtimeOffsetMs - startAt;
}

function renderAt({ runs, failed }: AtFigures, { disks }: AtOptions): string {
  const distances = summarizeFigures(runs.map(Math.abs));
  const columns: readonly Column<typeof distances>[] = [
    { head: 'runs', value: (it) => it.count, decimals: 0 },
    { head: 'median', value: ({ median }) => median, decimals: 3 },
    { head: 'p90', value: ({ p90 }) => p90, decimals: 3 },
    { head: 'max', value: ({ max }) => max, decimals: 3 },
    { head: 'too early', value: () => runs.filter((ms) => ms < 0).length, decimals: 0 },
    { head: 'failed', value: () => failed.length, decimals: 0 },
  ];
  return [
    renderTable(`Distance of the first FIFREEZE from --at, ${disks} disks: ms`, columns, [
      distances,
    ]),
    ...failed.map((reason) => `! ${reason}`),
  ].join('\n');
}
