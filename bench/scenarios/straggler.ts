import { Option } from 'commander';
import {
  type ContenderSamples,
  compare,
  failureLines,
  ratioOf,
  summarizeSamples,
} from '../comparison.ts';
import {
  addLabOptions,
  diskCount,
  type LabScenarioOptions,
  rigOptions,
  type SlowDisks,
  slowDisks,
} from '../options.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { blobName, LabRig } from '../rig.ts';
import type { Contender, GoodSample } from '../sample.ts';
import { defineScenario } from '../scenario.ts';
import { median, type Summary } from '../statistics.ts';
import { type Column, figure, renderTable } from '../table.ts';

interface StragglerOptions extends LabScenarioOptions {
  readonly disks: number;
  readonly slow: SlowDisks;
}

export const straggler = defineScenario<StragglerOptions, readonly ContenderSamples[]>({
  name: 'straggler',
  summary: 'Some disks answer late: what the writers of the others feel of it',
  addOptions: (command) => {
    command
      .option('--disks <count>', 'number of disks', diskCount, 64)
      .addOption(
        new Option('--slow <disks:ms>', 'so many disks answer after so long')
          .argParser(slowDisks)
          .default({ disks: 1, latencyMs: 2_000 } satisfies SlowDisks, '1:2000'),
      );
    addLabOptions(command, { rounds: 7 });
  },
  measure: async (options, progress) => {
    await using rig = await LabRig.create(rigOptions(options, options.disks));
    const contenders = [withStragglers(rig, options), flashfreeze({ name: 'none slow' })];
    return await compare(rig, contenders, options, progress);
  },
  render: renderStraggler,
});

function withStragglers({ server }: LabRig, { slow, latency }: StragglerOptions): Contender {
  const contender = flashfreeze();
  return {
    name: `${slow.disks} slow`,
    takeSample: async (rig) => {
      const answerAfter = (ms: number): Promise<unknown> =>
        Promise.all(
          Array.from({ length: slow.disks }, (_, disk) =>
            server.setLatency(blobName(disk), { kind: 'fixed', ms }),
          ),
        );
      await answerAfter(slow.latencyMs);
      try {
        return await contender.takeSample(rig);
      } finally {
        await answerAfter(latency);
      }
    },
  };
}

function renderStraggler(
  figures: readonly ContenderSamples[],
  { disks, slow, fileSystems, latency }: StragglerOptions,
): string {
  const ofOthers = ({ stallsMs }: GoodSample): number => median(stallsMs.slice(slow.disks));
  const maxOfOthers = ({ stallsMs }: GoodSample): number => Math.max(...stallsMs.slice(slow.disks));
  const ofSlow = ({ stallsMs }: GoodSample): number => Math.max(...stallsMs.slice(0, slow.disks));
  const summary = (of: (sample: GoodSample) => number, { samples }: ContenderSamples): Summary =>
    summarizeSamples(samples, of);
  const columns: readonly Column<ContenderSamples>[] = [
    { head: '', value: ({ name }) => name },
    { head: 'the others:\nmedian stall', value: (it) => summary(ofOthers, it).median },
    { head: 'max stall\nmedian', value: (it) => summary(maxOfOthers, it).median },
    { head: '\nmax', value: (it) => summary(maxOfOthers, it).max },
    { head: `first ${slow.disks}:\nmax stall`, value: (it) => summary(ofSlow, it).median },
    {
      head: 'failed',
      value: ({ samples }) => `${samples.filter(({ ok }) => !ok).length} of ${samples.length}`,
    },
  ];
  const [slowed, even] = figures;
  const ratio = ratioOf(slowed?.samples ?? [], even?.samples ?? [], ofOthers);
  return [
    renderTable(
      `${disks} disks, ${slow.disks} of them answer after ${slow.latencyMs} ms, the others after ${latency} ms, ${fileSystems}: ms`,
      columns,
      figures,
    ),
    `median stall of the others ÷ none slow, pair by pair: ${figure(ratio.median, 2)} (p25–p75 ${figure(ratio.p25, 2)}–${figure(ratio.p75, 2)})`,
    ...failureLines(figures),
  ].join('\n');
}
