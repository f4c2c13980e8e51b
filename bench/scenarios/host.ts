import type { Command } from 'commander';
import {
  type ContenderSamples,
  compare,
  failureLines,
  maxStall,
  summarizeSamples,
} from '../comparison.ts';
import { HostRig } from '../host-rig.ts';
import {
  addDiskCountsOption,
  addLabOptions,
  type LabScenarioOptions,
  rigOptions,
} from '../options.ts';
import { byHost, hostFloor, withHostLatency } from '../peers/host.ts';
import type { GoodSample } from '../sample.ts';
import { defineScenario } from '../scenario.ts';
import { measureSizes } from '../sizes.ts';
import { median, type Summary, summarizeFigures } from '../statistics.ts';
import { type Column, figure, renderTable } from '../table.ts';

interface HostOptions extends LabScenarioOptions {
  readonly disks: readonly number[];
}

interface HostFigures {
  readonly disks: number;
  /** By the host, and the bare freeze and thaw of the same disks. */
  readonly contenders: readonly ContenderSamples[];
}

/** The promise: the same call with nothing frozen, and this many times a bare freeze and thaw. */
const ALLOWED = 1.15;

export const host = defineScenario<HostOptions, readonly HostFigures[]>({
  name: 'host',
  summary: 'Snapshots by the host: the stall beside the call alone and a bare freeze and thaw',
  addOptions: (command: Command) => {
    addDiskCountsOption(command, [4, 16]);
    addLabOptions(command, { rounds: 9 });
  },
  measure: (options, progress) =>
    measureSizes(options.disks, progress, async (disks, say) => {
      await using rig = await HostRig.create(rigOptions(options, disks));
      const contenders = [withHostLatency(byHost(), rig), hostFloor()];
      return { disks, contenders: await compare(rig, contenders, options, say) };
    }),
  render: (figures, { fileSystems, latency }) =>
    [
      renderTable(
        `Snapshots by the host, ${fileSystems}, ${latency} ms latency: ms`,
        COLUMNS,
        figures.map(rowOf),
      ),
      ...figures.flatMap(({ contenders }) => failureLines(contenders)),
    ].join('\n'),
  judge: (figures) =>
    figures
      .map(rowOf)
      .filter(({ ratio }) => !(ratio.median <= ALLOWED))
      .map(
        ({ disks, ratio }) =>
          `${disks} disks: beside the call itself the stall is ${figure(ratio.median, 2)} times a bare freeze and thaw; ${ALLOWED} is allowed`,
      ),
});

interface Row {
  readonly disks: number;
  readonly stall: Summary;
  /** From the arrival of the request at the host to its answer. */
  readonly hostMs: number;
  /** The same call with nothing frozen, as the guest sees it. */
  readonly callMs: number;
  readonly bare: Summary;
  /** Of each pair: the stall without such a call ÷ the bare stall. */
  readonly ratio: Summary;
  readonly failed: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'disks', value: ({ disks }) => disks, decimals: 0 },
  { head: 'max stall\nmedian', value: ({ stall }) => stall.median },
  { head: '\np90', value: ({ stall }) => stall.p90 },
  { head: 'host’s own\ntime', value: ({ hostMs }) => hostMs },
  { head: 'call, with\nnothing frozen', value: ({ callMs }) => callMs },
  { head: 'bare freeze\n+ thaw', value: ({ bare }) => bare.median },
  { head: 'rest ÷\nbare', value: ({ ratio }) => ratio.median, decimals: 2 },
  { head: 'p25–p75', value: ({ ratio }) => `${figure(ratio.p25, 2)}–${figure(ratio.p75, 2)}` },
  { head: 'failed', value: ({ failed }) => failed, decimals: 0 },
];

function rowOf({ disks, contenders }: HostFigures): Row {
  const [own, bare] = contenders.map(({ samples }) => samples);
  const ratios = (own ?? []).flatMap((sample, index) => {
    const other = bare?.[index];
    return sample.ok && other?.ok
      ? [(sample.maxStallMs - phaseMs(other, 'call')) / other.maxStallMs]
      : [];
  });
  const goodOf = (samples: ContenderSamples['samples'] = []): GoodSample[] =>
    samples.filter((sample) => sample.ok);
  return {
    disks,
    stall: summarizeSamples(own ?? [], maxStall),
    hostMs: median(goodOf(own).map((sample) => phaseMs(sample, 'host'))),
    callMs: median(goodOf(bare).map((sample) => phaseMs(sample, 'call'))),
    bare: summarizeSamples(bare ?? [], maxStall),
    ratio: summarizeFigures(ratios),
    failed: [...(own ?? []), ...(bare ?? [])].filter(({ ok }) => !ok).length,
  };
}

function phaseMs({ own }: GoodSample, name: 'call' | 'host'): number {
  return own.phasesMs?.[name] ?? Number.NaN;
}
