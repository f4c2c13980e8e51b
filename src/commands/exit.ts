import { CommanderError } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { redact } from '../log/redaction.ts';

/** Runs a command; what it throws becomes one clear line on stderr and an exit code. */
export async function exitOnError(command: () => Promise<unknown>): Promise<void> {
  try {
    await command();
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

/**
 * Prints an error for people.
 *
 * @returns the exit code: 2 where the input or the machine is at fault, 1 where the run is; a defect
 * of ours is 1 too and keeps its stack
 */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === MISUSE ? 2 : error.exitCode;
  }
  process.stderr.write(`${redact(describe(error))}\n`);
  return error instanceof FlashfreezeError ? error.exitCode : 1;
}

/** What commander itself ends with for a command line that it refuses; it has said why. */
const MISUSE = 1;

/**
 * Turns what commander says of a command line into a message like our own. It repeats what was given, which may
 * be a URL with its signature in the wrong place.
 */
export function describeMisuse(text: string): string {
  const [first = '', ...hints] = redact(text).trimEnd().split('\n');
  const suggestion = hints.find((hint) => hint.startsWith('(Did you mean')) ?? '';
  const sentence = first.replace(/^error: /, '').replace(/\.$/, '');
  return `flashfreeze: ${[sentence, suggestion].filter((it) => it !== '').join(' ')} (FF_USAGE)\n`;
}

function describe(error: unknown): string {
  if (error instanceof FlashfreezeError) {
    return `flashfreeze: ${error.message} (${error.code})`;
  }
  return error instanceof Error
    ? `flashfreeze: internal error: ${error.stack ?? error.message}`
    : `flashfreeze: internal error: ${String(error)}`;
}
