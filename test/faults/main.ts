/** `npm run faults`: see USAGE. Exit code 0 where every round was good, 1 where not, 2 for bad usage. */
import { parseArgs } from 'node:util';
import { enterLab } from '../lab/namespace.ts';
import { playCampaign } from './campaign/campaign.ts';
import { FAULT_KINDS, type FaultKind } from './campaign/draw.ts';
import { describeRound, isGood, renderCampaign } from './campaign/report.ts';

const USAGE = `npm run faults -- [--rounds <count>] [--seed <number>] [--fault <kind>]...
  Disturbs real runs on real disks at random moments and checks that nothing stays frozen.
  Kinds (default: all): ${FAULT_KINDS.join(', ')}`;

interface Wanted {
  readonly rounds: number;
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
}

/** Throws Error for what cannot be meant. */
function wantedBy(args: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
      fault: { type: 'string', multiple: true, default: [] },
    },
  });
  const kinds = FAULT_KINDS.filter((kind) => values.fault.includes(kind));
  const rounds = Number(values.rounds);
  const seed = Number(values.seed);
  if (kinds.length !== values.fault.length || !(rounds >= 1) || !Number.isInteger(rounds + seed)) {
    throw new Error('expected whole numbers and known kinds of faults');
  }
  return { rounds, seed, kinds: kinds.length === 0 ? FAULT_KINDS : kinds };
}

async function main(): Promise<number> {
  let wanted: Wanted;
  try {
    wanted = wantedBy(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    return 2;
  }
  await enterLab();
  const startMs = performance.now();
  const results = await playCampaign({
    ...wanted,
    onRound: (result, number) => {
      for (const line of describeRound(result)) {
        process.stderr.write(`round ${number}: ${line}\n`);
      }
      if (process.stderr.isTTY) {
        process.stderr.write(`\rround ${number} of ${wanted.rounds} `);
      }
    },
  });
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  process.stdout.write(`${renderCampaign(results, wanted.seed)}; took ${seconds} s\n`);
  return isGood(results) ? 0 : 1;
}

process.exitCode = await main();
