import {
  expeditedWarnings,
  failureLines,
  maxStall,
  ratioOf,
  summarizeSamples,
} from '../comparison.ts';
import type { GoodSample } from '../sample.ts';
import { median, type Summary, summarizeFigures } from '../statistics.ts';
import { type Column, figure, renderTable } from '../table.ts';
import type { ManagedScenarioOptions, PacedComparison } from './managed.ts';

interface Row {
  readonly name: string;
  readonly retryAfterSeconds: number;
  readonly stall: Summary;
  /** Of the disks that are not slow: the median of the writers. */
  readonly others: Summary;
  readonly floor: Summary;
  readonly floorFreeze: Summary;
  readonly floorRequests: Summary;
  readonly ratio: Summary;
  /** Stall minus floor of each pair. */
  readonly added: Summary;
  readonly failed: number;
  /** Share of the processors that others had. */
  readonly othersShare: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { head: 'operation', value: ({ name }) => name },
  { head: 'Retry-\nAfter s', value: ({ retryAfterSeconds }) => retryAfterSeconds, decimals: 0 },
  { head: 'max stall\nmedian', value: ({ stall }) => stall.median },
  { head: '\nmax', value: ({ stall }) => stall.max },
  { head: 'quick disks:\nmedian stall', value: ({ others }) => others.median },
  { head: 'floor', value: ({ floor }) => floor.median },
  { head: '= freeze\n+ thaw', value: ({ floorFreeze }) => floorFreeze.median },
  { head: '+ requests,\noperations', value: ({ floorRequests }) => floorRequests.median },
  { head: 'max stall\n÷ floor', value: ({ ratio }) => ratio.median, decimals: 3 },
  { head: 'max stall\n− floor', value: ({ added }) => added.median },
  { head: 'p25–p75', value: ({ added }) => `${figure(added.p25, 1)}–${figure(added.p75, 1)}` },
  { head: 'others’\nCPU %', value: ({ othersShare }) => othersShare * 100, decimals: 0 },
  { head: 'failed', value: ({ failed }) => failed, decimals: 0 },
];

export function renderManaged(
  figures: readonly PacedComparison[],
  { disks, fileSystems, latency, rounds }: ManagedScenarioOptions,
): string {
  return [
    renderTable(
      `${disks} managed disks, ${fileSystems}, accepted after ${latency} ms, ${rounds} rounds: ms`,
      COLUMNS,
      figures.map(rowOf),
    ),
    ...figures.flatMap(({ name, contenders }) =>
      failureLines(contenders).map((line) => `${line} (${name})`),
    ),
    ...expeditedWarnings(figures.flatMap(({ contenders }) => contenders)),
  ].join('\n');
}

function rowOf({ name, slowDisks, pace, contenders }: PacedComparison): Row {
  const [ours = [], floors = []] = contenders.map(({ samples }) => samples);
  const ofFloor = (figureOf: (sample: GoodSample) => number): Summary =>
    summarizeSamples(floors, figureOf);
  const added = ours.flatMap((sample, index) => {
    const floor = floors[index];
    return sample.ok && floor?.ok ? [sample.maxStallMs - floor.maxStallMs] : [];
  });
  return {
    name,
    retryAfterSeconds: pace.retryAfterSeconds,
    stall: summarizeSamples(ours, maxStall),
    others: summarizeSamples(ours, ({ stallsMs }) => median(stallsMs.slice(slowDisks))),
    floor: ofFloor(maxStall),
    floorFreeze: ofFloor(({ own }) => own.floor?.freezeMs ?? Number.NaN),
    floorRequests: ofFloor(({ own }) => own.floor?.requestsMs ?? Number.NaN),
    ratio: ratioOf(ours, floors, maxStall),
    added: summarizeFigures(added),
    failed: [...ours, ...floors].filter(({ ok }) => !ok).length,
    othersShare: median([...ours, ...floors].map(({ othersShare }) => othersShare)),
  };
}
