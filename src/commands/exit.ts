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
    return error.exitCode === 0 ? 0 : 2;
  }
  process.stderr.write(`${redact(describe(error))}\n`);
  return error instanceof FlashfreezeError ? error.exitCode : 1;
}

function describe(error: unknown): string {
  if (error instanceof FlashfreezeError) {
    return `flashfreeze: ${error.message} (${error.code})`;
  }
  return error instanceof Error
    ? `flashfreeze: internal error: ${error.stack ?? error.message}`
    : `flashfreeze: internal error: ${String(error)}`;
}
