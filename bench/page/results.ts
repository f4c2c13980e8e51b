import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OptionValues } from 'commander';
import type { Machine } from '../machine.ts';

/** What a run of a scenario leaves as `<scenario>.json`. */
export interface Result {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly options: OptionValues;
  readonly figures: unknown;
}

/** The last result of each scenario that has one, by the scenario's name. */
export async function readResults(directory: string): Promise<ReadonlyMap<string, Result>> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  const results = files.map(async (file): Promise<[string, Result]> => {
    const text = await readFile(join(directory, file), 'utf8');
    return [file.slice(0, -'.json'.length), JSON.parse(text) as Result];
  });
  return new Map(await Promise.all(results));
}
