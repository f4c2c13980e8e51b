import type { Command } from 'commander';

/**
 * What is done before a command: what a run that died has left frozen is thawed, and then what it owes to
 * applications is done.
 */
export type FirstWork = 'nothing' | 'thaw' | 'thaw-and-settle';

/**
 * Every command that is not named here begins with both, whatever it is for: each may write, or wait for somebody who
 * does, and whoever writes to what a dead run left frozen waits for ever.
 *
 * `nothing`: looks at no machine. `thaw`: has to be quick, and the task that it starts or what it does itself settles
 * what is owed.
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

/** Does the work; hears a sentence for each run that died. Never rejects. */
export type FirstStepWork = (
  work: Exclude<FirstWork, 'nothing'>,
  tell: (sentence: string) => void,
) => Promise<void>;

/** Stands before the action of every command of a program; no command can be added that does not pass it. */
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

  /** What was found, a sentence each; it has been told on standard error, and is for those that keep a log, too. */
  get found(): readonly string[] {
    return this.#found;
  }
}

/** @param path words after `flashfreeze`, e.g. `snapshots list` */
export function firstWorkOf(path: string): FirstWork {
  return EXCEPTIONS.get(path) ?? 'thaw-and-settle';
}

/** Told on standard error. Without root there is nothing that could be done. */
export const lookAfterDeadRuns: FirstStepWork = async (work, tell) => {
  if (process.geteuid?.() !== 0) {
    return;
  }
  const { recover, thawAbandoned } = await import('../backup/journal/recover.ts');
  const warn = (sentence: string): void => {
    tell(sentence);
    process.stderr.write(`${sentence}\n`);
  };
  if (work === 'thaw') {
    (await thawAbandoned()).forEach(warn);
  } else {
    await recover(warn);
  }
};

/** Of `flashfreeze snapshots list` the words `snapshots list`. */
function pathOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null
    ? command.name()
    : `${pathOf(parent)} ${command.name()}`;
}
