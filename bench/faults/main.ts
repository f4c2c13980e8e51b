/** `npm run faults`: see USAGE in options.ts. */
import { enterLab } from '../../src/lab/namespace.ts';
import { misuseLine } from '../../test/options.ts';
import { playCampaign } from './campaign.ts';
import { parseCampaign, USAGE, type Wanted } from './options.ts';
import { describeRound, isGood, renderCampaign } from './report.ts';

async function main(): Promise<number> {
  let wanted: Wanted;
  try {
    wanted = parseCampaign(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(misuseLine('npm run faults', error));
    return 2;
  }
  if (wanted.kind === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  return await run(wanted);
}

/** @returns the exit code */
async function run(wanted: Extract<Wanted, { kind: 'campaign' }>): Promise<number> {
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
