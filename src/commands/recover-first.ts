import type { Command } from 'commander';

/** Commands that begin by it themselves, with a log to tell it to, and those that look at no machine. */
const EXEMPT: ReadonlySet<string> = new Set([
  'snapshot',
  'freeze',
  'thaw',
  'extension',
  'lab',
  'schema',
  'completion',
  'manual',
  'self-check',
]);

/**
 * What a run that died has left frozen or owed is looked after by whichever command comes next, before it
 * begins. Told on standard error; without root there is nothing that could be done.
 */
export function recoverFirst(program: Command): void {
  program.hook('preAction', async (_program, command) => {
    if (!EXEMPT.has(topOf(command, program).name()) && process.getuid?.() === 0) {
      const { recover } = await import('../backup/journal/recover.ts');
      await recover((sentence) => process.stderr.write(`${sentence}\n`));
    }
  });
}

/** Of `snapshots list` the command `snapshots`. */
function topOf(command: Command, program: Command): Command {
  return command.parent === null || command.parent === program
    ? command
    : topOf(command.parent, program);
}
