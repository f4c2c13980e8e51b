import type { Command } from 'commander';
import { printable } from '../log/printable.ts';
import { redact } from '../log/redaction.ts';

/**
 * The work before a command: thaw the file systems that a dead run left frozen, and then run its pending clean-up of
 * applications.
 */
export type FirstWork = 'nothing' | 'thaw' | 'thaw-and-settle';

/**
 * Every command that is not listed here begins with both, whatever its purpose: it may write, or wait for another
 * process that writes, and a write to a file system that a dead run left frozen hangs until the thaw.
 *
 * `nothing`: the command does not look at the machine. `thaw`: the command has to be quick, and the command itself or
 * a process that it starts runs the pending clean-up.
 */
const EXCEPTIONS: ReadonlyMap<string, Exclude<FirstWork, 'thaw-and-settle'>> = new Map([
  ['schema', 'nothing'],
  ['completion', 'nothing'],
  ['manual', 'nothing'],
  ['thaw', 'thaw'],
  ['snapshot', 'thaw'],
  ['freeze', 'thaw'],
  ['extension install', 'thaw'],
  ['extension enable', 'thaw'],
  ['extension disable', 'thaw'],
  ['extension update', 'thaw'],
  ['extension uninstall', 'thaw'],
  ['extension run', 'thaw'],
]);

/** Does the work; calls `report` with a sentence for each run that died. Never rejects. */
export type FirstStepWork = (
  work: Exclude<FirstWork, 'nothing'>,
  report: (sentence: string) => void,
) => Promise<void>;

/** Runs before the action of every command of a program; a new command cannot bypass it. */
export class FirstStep {
  readonly #found: string[] = [];

  constructor(program: Command, work: FirstStepWork) {
    program.hook('preAction', async (_program, command) => {
      const wanted = firstWorkOf(pathOf(command));
      if (wanted !== 'nothing') {
        await work(wanted, (sentence) => this.#found.push(sentence));
      }
    });
  }

  /** A sentence for each dead run; printed on standard error already. Commands that keep a log also log them. */
  get found(): readonly string[] {
    return this.#found;
  }
}

/** @param path words after `flashfreeze`, e.g. `snapshots list` */
export function firstWorkOf(path: string): FirstWork {
  return EXCEPTIONS.get(path) ?? 'thaw-and-settle';
}

/** Prints what it finds on standard error. Does nothing without root, because only root can thaw. */
export const lookAfterDeadRuns: FirstStepWork = async (work, report) => {
  if (process.geteuid?.() !== 0) {
    return;
  }
  const { recover, thawAbandoned } = await import('../backup/journal/recover.ts');
  const warn = (sentence: string): void => {
    report(sentence);
    process.stderr.write(`${printable(redact(sentence))}\n`);
  };
  if (work === 'thaw') {
    (await thawAbandoned()).forEach(warn);
  } else {
    await recover(warn);
  }
};

/** The words after the program's name, e.g. `snapshots list` for `flashfreeze snapshots list`. */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null
    ? command.name()
    : `${pathOf(parent)} ${command.name()}`;
}
