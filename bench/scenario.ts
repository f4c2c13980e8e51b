import type { Command, OptionValues } from 'commander';
import type { OptionalCommand } from '../src/lab/requirements.ts';

/** One thing that can be measured: `npm run bench -- <name> [options]`. */
export interface ScenarioDefinition<Options, Figures> {
  readonly name: string;
  readonly summary: string;
  /** Adds its options, with their defaults, to its own command. */
  addOptions(command: Command): void;
  /** Commands it calls beside the lab's own. */
  readonly commands?: readonly OptionalCommand[];
  /** Done before, outside the lab, where the network and the terminal are. */
  prepare?(options: Options): Promise<void>;
  /** Measures inside the lab (outside where `options.real` is true); resolves to raw figures, as JSON holds them. */
  measure(options: Options, progress: Progress): Promise<Figures>;
  /** What the figures say, as text with tables. */
  render(figures: Figures, options: Options): string;
  /** What is not as it should be, a sentence each; the exit code is 1 if there is any. */
  judge?(figures: Figures, options: Options): readonly string[];
}

export type Scenario = ScenarioDefinition<OptionValues, unknown>;

/** Says in one line what is being done; on standard error. */
export type Progress = (line: string) => void;

/**
 * Forgets a scenario's own types. Options and figures cross a process as JSON, so nothing but data may
 * be in them: undefined and NaN do not survive.
 */
export function defineScenario<Options, Figures>(
  definition: ScenarioDefinition<Options, Figures>,
): Scenario {
  return {
    ...definition,
    prepare: async (options) => definition.prepare?.(options as Options),
    measure: (options, progress) => definition.measure(options as Options, progress),
    render: (figures, options) => definition.render(figures as Figures, options as Options),
    judge: (figures, options) => definition.judge?.(figures as Figures, options as Options) ?? [],
  };
}
