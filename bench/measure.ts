/**
 * The half of a benchmark that measures; started by main.ts.
 *   measure.ts <scenario> <options as JSON>
 * Enters the lab, unless the machine's own disks are to be measured. Standard output takes the figures
 * as JSON, standard error what people may read meanwhile. Nothing else leaves the lab: files written
 * here are gone with it.
 */
import type { OptionValues } from 'commander';
import { exitOnError } from '../src/commands/exit.ts';
import { enterLab } from '../src/lab/namespace.ts';
import { SCENARIOS } from './scenarios/all.ts';

/** Longer than any scenario; for what hangs. */
const LIFETIME_S = 7_200;

async function measure(name: string | undefined, options: OptionValues): Promise<void> {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) {
    throw new RangeError(`there is no scenario "${name}"`);
  }
  if (options.real !== true) {
    await enterLab({ lifetimeSeconds: LIFETIME_S, commands: scenario.commands ?? [] });
  }
  const progress = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const figures = await scenario.measure(options, progress);
  process.stdout.write(JSON.stringify(figures));
}

const [name, json = '{}'] = process.argv.slice(2);
await exitOnError(() => measure(name, JSON.parse(json) as OptionValues));
