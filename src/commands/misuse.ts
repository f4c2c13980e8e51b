import type { Command } from 'commander';
import { closestName, editDistance } from '../config/closest-name.ts';
import { printable } from '../log/printable.ts';
import { redact } from '../log/redaction.ts';

/** The words of a command, e.g. `flashfreeze snapshots list`. */
function wordsOf(command: Command): string {
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}

/**
 * Turns commander's message about a wrong command line into a message like our own. Commander repeats the wrong
 * argument, which may be a misplaced URL with its signature, or belong to a command with a password: values are left out,
 * and the text is redacted.
 */
export function sentenceOfMisuse(text: string, command?: Command): string {
  const [first = '', ...hints] = redact(text).trimEnd().split('\n');
  const ofCommander = hints.find((hint) => hint.startsWith('(Did you mean'));
  const sentence = first
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replace(/^(unknown option '-[^=']*)=.*/, "$1'")
    .replace(/( but got \d+): .*/, '$1');
  const ours = command === undefined ? undefined : suggestionOf(sentence, command);
  const suggestion = ofCommander ?? (ours === undefined ? '' : `(Did you mean ${ours}?)`);
  return printable([sentence, suggestion].filter((it) => it !== '').join(' '));
}

/** The line about a wrong command line. */
export function describeMisuse(text: string, command?: Command): string {
  return `flashfreeze: ${sentenceOfMisuse(text, command)} (FF_USAGE)\n`;
}

/** Makes every command name itself if it refuses a command line. */
export function tellMisuse(command: Command): void {
  command
    .showHelpAfterError(
      `(${wordsOf(command)} --help ${command.commands.length > 0 ? 'lists the commands' : 'lists the options'})`,
    )
    .configureOutput({
      outputError: (text, write) => write(describeMisuse(text, command)),
    });
  command.commands.forEach(tellMisuse);
}

/** For what commander suggests nothing: options of inner commands, and choices of an argument. */
function suggestionOf(sentence: string, command: Command): string | undefined {
  const option = /^unknown option '(--[\w-]+)/.exec(sentence)?.[1];
  if (option !== undefined) {
    return command.commands
      .flatMap((inner) => {
        const names = inner.options.flatMap(({ long }) => long ?? []);
        const name = closeTo(option, names);
        return name === undefined ? [] : `${wordsOf(inner)} ${name}`;
      })
      .at(0);
  }
  const choice = /^command-argument value '([^']*)' is invalid/.exec(sentence)?.[1];
  return choice === undefined
    ? undefined
    : closeTo(
        choice,
        command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
      );
}

/** The closest name, unless even that one is another word. */
function closeTo(typed: string, names: readonly string[]): string | undefined {
  const name = closestName(typed, names);
  return name !== '' && editDistance(typed, name) <= FARTHEST ? name : undefined;
}

const FARTHEST = 2;
