import {
  expeditedWarnings,
  maxStall,
  meanStall,
  ratioOf,
  reasonsOf,
  summarizeSamples,
} from '../comparison.ts';
import { NATIVE_FLOOR } from '../peers/native-floor.ts';
import type { GoodSample, Sample } from '../sample.ts';
import type { SizedComparison } from '../sizes.ts';
import { median, type Summary } from '../statistics.ts';
import { type Column, figure, renderTable } from '../table.ts';
import type { WindowOptions } from './window.ts';

interface Row {
  readonly disks: number;
  readonly noise: SizedComparison['noise'];
  readonly failed: number;
  readonly max: Summary;
  readonly mean: Summary;
  readonly elsewhere: Summary;
  readonly ownMax: Summary;
  readonly ownMean: Summary;
  readonly cpu: Summary;
  readonly memory: Summary;
  readonly phases: Readonly<Record<string, number>>;
  readonly floor: Summary;
  readonly floorFreeze: Summary;
  readonly floorRequests: Summary;
  readonly ratio: Summary;
  readonly meanRatio: Summary;
  /** Our longest stall ÷ that of the native floor. */
  readonly native: Summary;
  /** Share of the processors that others had. */
  readonly others: number;
  readonly reasons: readonly string[];
}

const STALL: readonly Column<Row>[] = [
  { head: 'disks', value: ({ disks }) => disks, decimals: 0 },
  { head: 'max stall\nmedian', value: ({ max }) => max.median },
  { head: '\np90', value: ({ max }) => max.p90 },
  { head: '\nmax', value: ({ max }) => max.max },
  { head: 'mean\nstall', value: ({ mean }) => mean.median },
  { head: 'floor', value: ({ floor }) => floor.median },
  { head: '= freeze\n+ thaw', value: ({ floorFreeze }) => floorFreeze.median },
  { head: '+ requests', value: ({ floorRequests }) => floorRequests.median },
  { head: 'max stall\n÷ floor', value: ({ ratio }) => ratio.median, decimals: 2 },
  { head: 'p25–p75', value: ({ ratio }) => `${figure(ratio.p25, 2)}–${figure(ratio.p75, 2)}` },
  { head: 'mean ÷\nmean floor', value: ({ meanRatio }) => meanRatio.median, decimals: 2 },
  { head: 'max stall ÷\nnative floor', value: ({ native }) => native.median, decimals: 2 },
  { head: 'p25–p75', value: ({ native }) => `${figure(native.p25, 2)}–${figure(native.p75, 2)}` },
  { head: 'noise', value: ({ noise }) => noise.longestMs },
  { head: 'others’\nCPU %', value: ({ others }) => others * 100, decimals: 0 },
  { head: 'failed', value: ({ failed }) => failed, decimals: 0 },
];

const PRODUCT: readonly Column<Row>[] = [
  { head: 'disks', value: ({ disks }) => disks, decimals: 0 },
  { head: 'own stamps\nmax', value: ({ ownMax }) => ownMax.median },
  { head: '\nmean', value: ({ ownMean }) => ownMean.median },
  { head: 'stall\nelsewhere', value: ({ elsewhere }) => elsewhere.median },
  { head: 'CPU ms', value: ({ cpu }) => cpu.median, decimals: 0 },
  { head: 'peak MB', value: ({ memory }) => memory.max, decimals: 0 },
  { head: 'phases, ms (median)', value: ({ phases }) => renderPhases(phases) },
  { head: 'probe CPU', value: ({ noise }) => `${figure(noise.probeCpuShare * 100, 0)} %` },
];

interface PeerRow {
  readonly disks: number;
  readonly name: string;
  readonly max: Summary;
  readonly mean: Summary;
  readonly ratio: Summary;
  readonly cpu: Summary;
  readonly memory: Summary;
  readonly failed: number;
}

const PEERS: readonly Column<PeerRow>[] = [
  { head: 'disks', value: ({ disks }) => disks, decimals: 0 },
  { head: '', value: ({ name }) => name },
  { head: 'max stall\nmedian', value: ({ max }) => max.median },
  { head: '\nmax', value: ({ max }) => max.max },
  { head: 'mean\nstall', value: ({ mean }) => mean.median },
  { head: 'its max stall\n÷ ours', value: ({ ratio }) => ratio.median },
  { head: 'p25–p75', value: ({ ratio }) => `${figure(ratio.p25, 1)}–${figure(ratio.p75, 1)}` },
  { head: 'CPU ms', value: ({ cpu }) => cpu.median, decimals: 0 },
  { head: 'peak MB', value: ({ memory }) => memory.max, decimals: 0 },
  { head: 'failed', value: ({ failed }) => failed, decimals: 0 },
];

function peerRowsOf({ disks, contenders: [ours, , ...peers] }: SizedComparison): PeerRow[] {
  return peers.map(({ name, samples }) => ({
    disks,
    name,
    max: summarizeSamples(samples, maxStall),
    mean: summarizeSamples(samples, meanStall),
    ratio: ratioOf(samples, ours?.samples ?? [], maxStall),
    cpu: summarizeSamples(samples, ({ usage }) => usage.cpuMs),
    memory: summarizeSamples(samples, ({ usage }) => usage.peakRssMb),
    failed: samples.filter(({ ok }) => !ok).length,
  }));
}

export function renderWindow(figures: readonly SizedComparison[], options: WindowOptions): string {
  const rows = figures.map(rowOf);
  const peers = figures.flatMap(peerRowsOf);
  const title = `What writers feel, ms: ${options.fileSystems}, ${options.latency} ms latency, ${options.rounds} rounds`;
  return [
    renderTable(title, STALL, rows),
    renderTable(
      'The product, medians; peak memory of its process tree: the largest',
      PRODUCT,
      rows,
    ),
    ...(peers.length === 0 ? [] : [renderTable('Other tools, ms', PEERS, peers)]),
    ...expeditedWarnings(figures.flatMap(({ contenders }) => contenders)),
    ...rows.flatMap(({ disks, reasons }) => reasons.map((reason) => `! ${disks} disks: ${reason}`)),
  ].join('\n');
}

function rowOf({ disks, noise, contenders }: SizedComparison): Row {
  const [ours, floor] = contenders;
  const samples = ours?.samples ?? [];
  const floors = floor?.samples ?? [];
  const of = (figureOf: (sample: GoodSample) => number): Summary =>
    summarizeSamples(samples, figureOf);
  const ofFloor = (figureOf: (sample: GoodSample) => number): Summary =>
    summarizeSamples(floors, figureOf);
  return {
    disks,
    noise,
    failed: [...samples, ...floors].filter(({ ok }) => !ok).length,
    others: median([...samples, ...floors].map(({ othersShare }) => othersShare)),
    reasons: contenders.flatMap((each) =>
      reasonsOf(each.samples).map((reason) => `${each.name}: ${reason}`),
    ),
    max: of(maxStall),
    mean: of(meanStall),
    elsewhere: of(({ elsewhereMs }) => elsewhereMs),
    ownMax: of(({ own }) => own.windowMaxMs ?? Number.NaN),
    ownMean: of(({ own }) => own.windowMeanMs ?? Number.NaN),
    cpu: of(({ usage }) => usage.cpuMs),
    memory: of(({ usage }) => usage.peakRssMb),
    phases: medianPhases(samples),
    floor: ofFloor(maxStall),
    floorFreeze: ofFloor(({ own }) => own.floor?.freezeMs ?? Number.NaN),
    floorRequests: ofFloor(({ own }) => own.floor?.requestsMs ?? Number.NaN),
    ratio: ratioOf(samples, floors, maxStall),
    meanRatio: ratioOf(samples, floors, meanStall),
    native: ratioOf(
      samples,
      contenders.find(({ name }) => name === NATIVE_FLOOR)?.samples ?? [],
      maxStall,
    ),
  };
}

function medianPhases(samples: readonly Sample[]): Record<string, number> {
  const phases = samples.flatMap((sample) => (sample.ok ? [sample.own.phasesMs ?? {}] : []));
  const names = [...new Set(phases.flatMap(Object.keys))];
  return Object.fromEntries(
    names.map((name) => [name, median(phases.map((each) => each[name] ?? 0))]),
  );
}

function renderPhases(phases: Readonly<Record<string, number>>): string {
  return Object.entries(phases)
    .map(([name, ms]) => `${name} ${figure(ms, 0)}`)
    .join(', ');
}
