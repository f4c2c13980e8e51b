import type { Command } from 'commander';
import { type Example, examplesOf } from './examples.ts';

/** One command of the program; completion and manual page are generated from these, so that neither can be wrong. */
export interface CommandDescription {
  /** Words after `flashfreeze`, e.g. `snapshots list`; empty for the program itself. */
  readonly path: readonly string[];
  readonly summary: string;
  /** `[options] -- <command> [argument...]` */
  readonly usage: string;
  readonly options: readonly OptionDescription[];
  /** Words that may follow: commands, or the choices of an argument. */
  readonly words: readonly string[];
  /** Whether its arguments are mount points. */
  readonly takesMounts: boolean;
  readonly examples: readonly Example[];
}

export interface OptionDescription {
  /** `-o, --output <file.html>` */
  readonly flags: string;
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
  /** Whether its value is a mount point. */
  readonly takesMount: boolean;
}

/** The program and every command that is not hidden; a command comes before its subcommands. */
export function describeCommands(
  command: Command,
  path: readonly string[] = [],
): CommandDescription[] {
  const help = command.createHelp();
  const inner = help.visibleCommands(command).filter((it) => it.name() !== 'help');
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return [
    {
      path,
      summary: command.description(),
      usage: command.usage(),
      options: help.visibleOptions(command).map((option) => ({
        flags: option.flags,
        names: [option.short, option.long].filter((it) => it !== undefined && it !== null),
        description: help.optionDescription(option),
        takesValue: option.required || option.optional,
        choices: option.argChoices ?? [],
        takesMount: option.long === '--mount' || option.long === '--skip',
      })),
      words: [...inner.map((it) => it.name()), ...choices],
      takesMounts: command.registeredArguments.some((it) => it.name() === 'mount'),
      examples: examplesOf(path),
    },
    ...inner.flatMap((it) => describeCommands(it, [...path, it.name()])),
  ];
}
