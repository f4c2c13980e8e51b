/** `npm run proof -- --db postgres|mariadb [--snapshots N] [--latency FROM-TO] [--seed N]`; exit code as for the other proof. */

import { parseScenario } from '../../../bench/proof/scenario.ts';
import { ENGINES, type Engine } from '../../../src/lab/databases/engine.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { DatabaseProof, type Round } from './database-proof.ts';

const USAGE = `npm run proof -- --db ${ENGINES.map(({ name }) => name).join('|')} [--snapshots N] [--latency FROM-TO] [--seed N]
  Takes snapshots of a database on two disks (data and log apart) under a workload of transfers, starts a
  server on each snapshot, and checks that it shows exactly the transactions of one instant.`;

/** @returns the exit code */
export async function proveDatabase(argv: readonly string[]): Promise<number> {
  const { engine, rest } = engineOf(argv);
  if (engine === undefined) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const { snapshots, latencyMs, seed } = parseScenario(rest);
  await enterLab({ lifetimeSeconds: 3_600, commands: engine.commands });
  await using proof = await DatabaseProof.setUp(engine, { latencyMs, seed });
  const rounds: Round[] = [];
  for (let number = 1; number <= snapshots; number += 1) {
    const round = await proof.round();
    rounds.push(round);
    process.stdout.write(`${lineOf(number, round)}\n`);
  }
  process.stdout.write(`${summaryOf(engine, rounds)}\n`);
  return rounds.every(({ faults }) => faults.length === 0) ? 0 : 1;
}

function engineOf(argv: readonly string[]): { engine: Engine | undefined; rest: string[] } {
  const at = argv.indexOf('--db');
  const engine = ENGINES.find(({ name }) => name === argv[at + 1]);
  return { engine, rest: [...argv.slice(0, at), ...argv.slice(at + 2)] };
}

function lineOf(
  number: number,
  { faults, stallMs, usualMs, windowMs, heldMs, transactions }: Round,
): string {
  const held = heldMs === null ? 'nothing held' : `held ${heldMs.toFixed(0)} ms`;
  const times = `longest transaction ${stallMs.toFixed(0)} ms (before: ${usualMs.toFixed(0)} ms), window ${windowMs.toFixed(0)} ms, ${held}`;
  return [
    `snapshot ${number}: ${faults.length === 0 ? 'right' : 'WRONG'}; ${times}; ${transactions} transactions so far`,
    ...faults.map((fault) => `  ${fault}`),
  ].join('\n');
}

function summaryOf({ name }: Engine, rounds: readonly Round[]): string {
  const wrong = rounds.filter(({ faults }) => faults.length > 0).length;
  const middle = (figures: readonly number[]): string =>
    (figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0).toFixed(0);
  const most = (figures: readonly number[]): string => Math.max(...figures).toFixed(0);
  const stalls = rounds.map(({ stallMs }) => stallMs);
  const windows = rounds.map(({ windowMs }) => windowMs);
  return `${name}: ${rounds.length} snapshots, ${wrong} wrong, ${rounds.at(-1)?.transactions ?? 0} transactions; longest transaction: median ${middle(stalls)} ms, max ${most(stalls)} ms; window: median ${middle(windows)} ms, max ${most(windows)} ms`;
}

if (process.argv[1] === import.meta.filename) {
  process.exitCode = await proveDatabase(process.argv.slice(2));
}
