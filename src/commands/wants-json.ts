import type { Command } from 'commander';

/**
 * Whether a command line asks for JSON, also one that is refused before it is read to its end. What comes after the
 * first word of the command that `freeze` runs is not for flashfreeze.
 */
export function wantsJson(program: Command, words: readonly string[]): boolean {
  let command = program;
  const end = words.indexOf('--');
  const ours = end < 0 ? words : words.slice(0, end);
  for (let index = 0; index < ours.length; index++) {
    const word = ours[index] ?? '';
    if (!word.startsWith('-') || word === '-') {
      const inner = command.commands.find((it) => it.name() === word);
      if (inner === undefined && command.name() === 'freeze') {
        return false;
      }
      command = inner ?? command;
      continue;
    }
    const option = command.options.find(({ short, long }) => word === short || word === long);
    if (option?.long === '--json') {
      return true;
    }
    index += option?.required === true ? 1 : 0;
  }
  return false;
}
