import { type Command, Option } from 'commander';
import { DatabaseRig } from '../../src/lab/databases/database-rig.ts';
import { ENGINES, type Engine, POSTGRES } from '../../src/lab/databases/engine.ts';
import { count, milliseconds } from '../options.ts';
import { defineScenario, type Progress } from '../scenario.ts';
import { median } from '../statistics.ts';
import { type Column, renderTable } from '../table.ts';
import { renderThroughput, type Throughput, throughputOf } from './app-report.ts';

interface AppOptions {
  readonly db: Engine['name'];
  readonly rounds: number;
  readonly latency: number;
}

/** One snapshot as the workload felt it. */
interface AppRound {
  readonly consistency: string;
  /** Transactions a second before the command, while it ran, and after it. */
  readonly before: number;
  readonly during: number;
  readonly after: number;
  readonly longestMs: number;
  readonly usualMs: number;
  readonly windowMs: number;
  /** null if nothing of the database was held. */
  readonly heldMs: number | null;
}

interface AppFigures {
  readonly rounds: readonly AppRound[];
  readonly throughput: Throughput;
}

const APART_MS = 1_500;
const CHART = { fromMs: -1_000, toMs: 1_000, stepMs: 25 };

export const app = defineScenario<AppOptions, AppFigures>({
  name: 'app',
  summary:
    'What the workload of a real database feels of a snapshot: throughput before, during, after',
  commands: ENGINES.flatMap(({ commands }) => commands),
  addOptions: (command: Command) => {
    command
      .addOption(
        new Option('--db <name>', 'which database')
          .choices(ENGINES.map(({ name }) => name))
          .default(POSTGRES.name),
      )
      .option('--rounds <count>', 'snapshots', count, 10)
      .option('--latency <ms>', 'of the server, from request to answer', milliseconds, 20);
  },
  measure,
  render,
});

async function measure(options: AppOptions, progress: Progress): Promise<AppFigures> {
  const engine = ENGINES.find(({ name }) => name === options.db) ?? POSTGRES;
  await using rig = await DatabaseRig.create(engine, {
    latencyMs: { from: options.latency, to: options.latency },
    seed: 1,
    snapshotContent: 'none',
  });
  const rounds: AppRound[] = [];
  const distances: number[] = [];
  await rig.transfers.go(APART_MS);
  for (let round = 1; round <= options.rounds; round += 1) {
    const fromMs = Date.now();
    const { barrier, consistency, windowMs, application } = await rig.snapshot();
    const toMs = Date.now();
    await rig.transfers.go(APART_MS);
    const acknowledged = rig.transfers.history.flat().map(({ acknowledgedMs }) => acknowledgedMs);
    const rate = (from: number, to: number): number =>
      acknowledged.filter((ms) => ms >= from && ms < to).length / ((to - from) / 1_000);
    rounds.push({
      consistency,
      before: rate(fromMs - 1_000, fromMs),
      during: rate(fromMs, toMs),
      after: rate(toMs, toMs + 1_000),
      longestMs: rig.transfers.longestMs(fromMs, toMs),
      usualMs: rig.transfers.longestMs(fromMs - 1_000, fromMs - 1),
      windowMs: windowMs.max,
      heldMs: application?.heldMs ?? null,
    });
    const atMs = Date.parse(barrier ?? '');
    distances.push(...acknowledged.map((ms) => ms - atMs).filter(isShown));
    progress(`round ${round} of ${options.rounds}: ${consistency}`);
  }
  await rig.transfers.rest();
  return { rounds, throughput: throughputOf(distances, options.rounds, CHART) };
}

function isShown(distanceMs: number): boolean {
  return distanceMs >= CHART.fromMs && distanceMs < CHART.toMs;
}

const COLUMNS: readonly Column<readonly AppRound[]>[] = [
  {
    head: 'transactions/s\nbefore',
    value: (all) => median(all.map((it) => it.before)),
    decimals: 0,
  },
  { head: '\nduring the command', value: (all) => median(all.map((it) => it.during)), decimals: 0 },
  { head: '\nafter', value: (all) => median(all.map((it) => it.after)), decimals: 0 },
  { head: 'longest transaction\nbefore, ms', value: (all) => median(all.map((it) => it.usualMs)) },
  { head: 'with the snapshot\nmedian, ms', value: (all) => median(all.map((it) => it.longestMs)) },
  { head: '\nmax, ms', value: (all) => Math.max(...all.map((it) => it.longestMs)) },
  { head: 'window\nmedian, ms', value: (all) => median(all.map((it) => it.windowMs)) },
  { head: 'held\nmedian, ms', value: (all) => median(all.flatMap((it) => it.heldMs ?? [])) },
];

function render({ rounds, throughput }: AppFigures, { db, latency }: AppOptions): string {
  const good = rounds.filter(({ consistency }) => consistency === 'applicationConsistent');
  const title = `${db}, data and log on two disks, 4 writers, ${latency} ms server: ${good.length} of ${rounds.length} snapshots application consistent`;
  return [renderTable(title, COLUMNS, [rounds]), renderThroughput(throughput)].join('\n\n');
}
