/**
 * The half of a benchmark that runs inside the lab; started by main.ts.
 *   in-lab.ts <scenario> <options as JSON>
 * Standard output takes the figures as JSON, standard error what people may read meanwhile. Nothing
 * else leaves the lab: files written here are gone with it.
 */
import type { OptionValues } from 'commander';
import { enterLab } from '../test/lab/namespace.ts';
import { SCENARIOS } from './scenarios/all.ts';

const LIFETIME_S = 1_800;

await enterLab({ lifetimeSeconds: LIFETIME_S });
const [name, options = '{}'] = process.argv.slice(2);
const scenario = SCENARIOS.find((each) => each.name === name);
if (scenario === undefined) {
  throw new RangeError(`there is no scenario "${name}"`);
}
const progress = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const figures = await scenario.measure(JSON.parse(options) as OptionValues, progress);
process.stdout.write(JSON.stringify(figures));
