import { untilQuiet } from './quiet.ts';
import type { Progress } from './scenario.ts';

export interface Rounds<Run> {
  readonly runs: readonly Run[];
  /** Why others failed. */
  readonly failed: readonly string[];
}

export interface RepeatOptions {
  readonly rounds: number;
  readonly quiet?: number | undefined;
}

/** Measures the same again and again, after one unmeasured run. A run that throws is told, not thrown. */
export async function repeat<Run>(
  { rounds, quiet = 1 }: RepeatOptions,
  measure: () => Promise<Run>,
  progress: Progress,
): Promise<Rounds<Run>> {
  await measure();
  const runs: Run[] = [];
  const failed: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}`);
    await untilQuiet(quiet);
    try {
      runs.push(await measure());
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { runs, failed };
}
