import type { Command, OptionValues } from 'commander';

/** One thing that can be measured: `npm run bench -- <name> [options]`. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Adds its options, with their defaults, to its own command. */
  addOptions(command: Command): void;
  /** Measures inside the lab; resolves to raw figures, as JSON holds them. */
  measure(options: OptionValues, progress: Progress): Promise<unknown>;
  /** What the figures say, as text with tables. */
  render(figures: unknown, options: OptionValues): string;
}

/** Says in one line what is being done; on standard error. */
export type Progress = (line: string) => void;

export interface ScenarioDefinition<Options, Figures> {
  readonly name: string;
  readonly summary: string;
  addOptions(command: Command): void;
  measure(options: Options, progress: Progress): Promise<Figures>;
  render(figures: Figures, options: Options): string;
}

/**
 * Forgets a scenario's own types. Options and figures cross a process as JSON, so nothing but data may
 * be in them: undefined and NaN do not survive.
 */
export function defineScenario<Options, Figures>(
  definition: ScenarioDefinition<Options, Figures>,
): Scenario {
  return {
    ...definition,
    measure: (options, progress) => definition.measure(options as Options, progress),
    render: (figures, options) => definition.render(figures as Figures, options as Options),
  };
}
