import { parseArgs } from 'node:util';
import { ENGINES } from '../../src/lab/databases/engine.ts';
import { OPTIONS, type Scenario, scenarioOf } from './scenario.ts';

const ENGINE_NAMES: readonly string[] = ENGINES.map(({ name }) => name);
/** What a proof of a database can be told besides. */
const OF_DATABASES: ReadonlySet<string> = new Set(['db', 'snapshots', 'latency', 'seed']);

export const USAGE = `npm run proof -- [--snapshots N] [--disks N] [--raw N] [--chains N] [--latency FROM-TO]
               [--seed N] [--fire early|barrier] [--lanes N] [--managed] [--no-freeze | --thaw-at-202]
  Takes snapshots of the lab's disks while ordered writers write on all of them, and checks that
  each snapshot is a cut: some K with every record up to K on its disk and none beyond.
  --raw adds disks without a file system, which the writers and one more write to directly: of
  those the snapshot must be a cut that are said to show the instant.
  --managed makes them the managed disks of a VM: in one round a snapshot has its point in time at a
  moment of its operation drawn at random, in the next one at the operation's end.
  --latency is the server's, in ms for each disk (with --managed: of the operation). Two tools must be
  found out: --no-freeze, and with --managed --thaw-at-202, which thaws when the requests are accepted.

npm run proof -- --db ${ENGINE_NAMES.join('|')} [--snapshots N] [--latency FROM-TO] [--seed N]
  Takes snapshots of a database on two disks (data and log apart) under a workload of transfers, starts
  a server on each snapshot, and checks that it shows exactly the transactions of one instant.

Exit code 0 without violations, 1 with, 2 for options that cannot be meant.`;

export type Wanted =
  | { readonly kind: 'help' }
  | { readonly kind: 'scenario'; readonly scenario: Scenario }
  /** Arguments of `proveDatabase`, checked. */
  | { readonly kind: 'database'; readonly argv: readonly string[] };

/** Throws RangeError or TypeError with a message for people. */
export function parseCommandLine(argv: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...argv],
    allowPositionals: false,
    options: { ...OPTIONS, db: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    return { kind: 'help' };
  }
  const scenario = scenarioOf(values);
  if (values.db === undefined) {
    return { kind: 'scenario', scenario };
  }
  if (!ENGINE_NAMES.includes(values.db)) {
    throw new RangeError(`--db must be ${ENGINE_NAMES.join(' or ')}, not "${values.db}"`);
  }
  const foreign = Object.keys(values).find((name) => !OF_DATABASES.has(name));
  if (foreign !== undefined) {
    throw new RangeError(`--${foreign} does not go together with --db`);
  }
  return { kind: 'database', argv: databaseArguments(values.db, scenario) };
}

function databaseArguments(
  name: string,
  { snapshots, latencyMs: { from, to }, seed }: Scenario,
): string[] {
  const options = { db: name, snapshots, latency: `${from}-${to}`, seed };
  return Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]);
}
