/** `npm run proof`: see USAGE in command-line.ts; `--db` is ../quiesce/proof/main.ts. */
import { pathToFileURL } from 'node:url';
import { enterLab } from '../../src/lab/namespace.ts';
import { misuseLine } from '../../test/options.ts';
import { proveDatabase } from '../../test/quiesce/proof/main.ts';
import { parseCommandLine, USAGE, type Wanted } from './command-line.ts';
import { takeWithFlashfreeze } from './flashfreeze.ts';
import { Proof, type RawFindings, type Round, type TakeSnapshots } from './proof-run.ts';
import type { Scenario } from './scenario.ts';
import { takeThawingWhen } from './thaw-moment.ts';
import { addTallies, describeVerdict, NO_TALLY, type Tally, tally } from './verdict.ts';

export interface ProofResult extends Tally {
  /** Runs that gave no complete snapshot of the promised kind. */
  readonly failedRuns: number;
  /** Records of all chains that the last snapshot shows. */
  readonly records: number;
  readonly raw: RawFindings;
  /** So many snapshots would violate the cut if all disks were believed to show the instant. */
  readonly torn: number;
  /** The longest window of each snapshot, in order; one for each snapshot that was checked. */
  readonly windowsMs: readonly number[];
}

const NO_RAW: RawFindings = { claimed: 0, notClaimed: 0, torn: 0, unheededViolations: 0 };
const NO_RESULT: ProofResult = {
  ...NO_TALLY,
  failedRuns: 0,
  records: 0,
  raw: NO_RAW,
  torn: 0,
  windowsMs: [],
};

/** A product that takes no snapshot at all is not asked a hundred times. */
const MOST_FAILURES_IN_A_ROW = 3;

/** Takes and checks the scenario's snapshots, telling `problem` of each fault; inside the lab only. */
export async function prove(
  scenario: Scenario,
  take: TakeSnapshots,
  problem: (line: string) => void,
): Promise<ProofResult> {
  await using proof = await Proof.setUp(scenario);
  let result = NO_RESULT;
  let failuresInARow = 0;
  for (let number = 1; number <= scenario.snapshots; number += 1) {
    const round = await proof.round(take);
    for (const line of problemsOf(round, (place) => proof.nameOf(place))) {
      problem(`snapshot ${number}: ${line}`);
    }
    result = withRound(result, round);
    failuresInARow = round.ok ? 0 : failuresInARow + 1;
    if (failuresInARow === MOST_FAILURES_IN_A_ROW) {
      break;
    }
  }
  return result;
}

function problemsOf(round: Round, nameOf: (place: number) => string): readonly string[] {
  return round.ok ? describeVerdict(round.verdict, nameOf) : round.problems;
}

function withRound(result: ProofResult, round: Round): ProofResult {
  if (!round.ok) {
    return { ...result, failedRuns: result.failedRuns + 1 };
  }
  const { verdict, raw, longestWindowMs } = round;
  return {
    ...addTallies(result, tally(verdict)),
    failedRuns: result.failedRuns,
    records: verdict.chains.reduce((sum, { last }) => sum + last, 0),
    raw: addRaw(result.raw, raw),
    torn: result.torn + (raw.unheededViolations > 0 ? 1 : 0),
    windowsMs: [...result.windowsMs, longestWindowMs],
  };
}

function addRaw(a: RawFindings, b: RawFindings): RawFindings {
  return {
    claimed: a.claimed + b.claimed,
    notClaimed: a.notClaimed + b.notClaimed,
    torn: a.torn + b.torn,
    unheededViolations: a.unheededViolations + b.unheededViolations,
  };
}

/** Every snapshot asked for was taken and shows one instant, clean on its disks. */
export function isProved(result: ProofResult): boolean {
  const { cutViolations, needRecovery, damaged, failedRuns, windowsMs } = result;
  return windowsMs.length > 0 && cutViolations + needRecovery + damaged + failedRuns === 0;
}

export function summaryLine(scenario: Scenario, result: ProofResult): string {
  const { disks, chains, seed } = scenario;
  const windows = result.windowsMs.toSorted((a, b) => a - b);
  const median = windows[Math.floor(windows.length / 2)] ?? 0;
  return [
    `${windows.length} snapshots of ${disks} ${scenario.managed ? 'managed disks' : 'disks'}${mistakeOf(scenario)}`,
    `${chains} ordered writers, ${result.records} records, seed ${seed}`,
    `${result.cutViolations} violations of the cut`,
    `${result.needRecovery} file systems needing recovery, ${result.damaged} damaged`,
    `${result.failedRuns} runs failed`,
    ...(scenario.raw === 0 ? [] : [rawLine(scenario, result)]),
    `longest window of a snapshot: median ${median.toFixed(0)} ms, max ${(windows.at(-1) ?? 0).toFixed(0)} ms`,
  ].join('; ');
}

function mistakeOf({ freeze, thawAt202 }: Scenario): string {
  if (thawAt202) {
    return ', thawed when the requests were accepted';
  }
  return freeze ? '' : ' without a freeze';
}

function rawLine({ raw }: Scenario, { raw: found, torn }: ProofResult): string {
  return [
    `${raw} raw disks: ${found.claimed} times said to show the instant, ${found.notClaimed} times not, ${found.torn} of these shown not to by that disk alone`,
    `if all were believed: ${found.unheededViolations} violations in ${torn} snapshots`,
  ].join('; ');
}

async function main(): Promise<number> {
  let wanted: Wanted;
  try {
    wanted = parseCommandLine(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(misuseLine('npm run proof', error));
    return 2;
  }
  switch (wanted.kind) {
    case 'help':
      process.stdout.write(`${USAGE}\n`);
      return 0;
    case 'database':
      return await proveDatabase(wanted.argv);
    case 'scenario':
      return await proveScenario(wanted.scenario);
  }
}

/** @returns the exit code */
async function proveScenario(scenario: Scenario): Promise<number> {
  await enterLab({ lifetimeSeconds: 6 * 3600, commands: ['xfs_repair', 'dumpe2fs'] });
  const take = scenario.thawAt202 ? takeThawingWhen('accepted') : takeWithFlashfreeze;
  const result = await prove(scenario, take, (line) => {
    process.stdout.write(`${line}\n`);
  });
  process.stdout.write(`${summaryLine(scenario, result)}\n`);
  return isProved(result) ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main();
}
