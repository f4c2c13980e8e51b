import { Argument, Command } from 'commander';
import * as assert from 'uvu/assert';
import { FirstStep, type FirstStepWork } from '../../src/commands/first-step.ts';
import { createProgram } from '../../src/commands/program.ts';
import { suite } from '../suite.ts';

const test = suite('what every command begins with');

/** Thrown in place of the work, so that no action begins. */
class Reached extends Error {
  readonly work: string;

  constructor(work: string) {
    super(`reached: ${work}`);
    this.work = work;
  }
}

const stopThere: FirstStepWork = async (work) => {
  throw new Reached(work);
};

/** Every command that has an action of its own, hidden ones too. */
function commandsOf(command: Command, path: readonly string[] = []): [string, Command][] {
  return command.commands.flatMap((it): [string, Command][] => {
    const its = [...path, it.name()];
    return it.commands.length === 0 ? [[its.join(' '), it]] : commandsOf(it, its);
  });
}

/** Words with which its action is reached. */
function wordsFor(path: string, command: Command): string[] {
  const options = command.options
    .filter(({ mandatory }) => mandatory)
    .flatMap(({ long }) => [long ?? '', 'x']);
  const args = command.registeredArguments
    .filter(({ required }) => required)
    .map(({ argChoices }) => argChoices?.[0] ?? 'x');
  return [...path.split(' '), ...options, ...args];
}

/** The work done before the action, or `nothing` where that would have begun. */
async function workBefore(path: string): Promise<string> {
  const program = createProgram(stopThere);
  const [, command] = commandsOf(program).find(([name]) => name === path) ?? [];
  let hasBegun = false;
  command?.action(() => {
    hasBegun = true;
  });
  try {
    await program.parseAsync(wordsFor(path, command ?? new Command()), { from: 'user' });
  } catch (error) {
    if (error instanceof Reached && !hasBegun) {
      return error.work;
    }
    throw error;
  }
  return hasBegun ? 'nothing' : 'neither';
}

const ALL = commandsOf(createProgram(stopThere)).map(([path]) => path);

/** The only ones that do not both thaw and settle. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  schema: 'nothing',
  completion: 'nothing',
  manual: 'nothing',
  thaw: 'thaw',
  snapshot: 'thaw',
  freeze: 'thaw',
  'extension install': 'thaw',
  'extension enable': 'thaw',
  'extension disable': 'thaw',
  'extension update': 'thaw',
  'extension uninstall': 'thaw',
  'extension run': 'thaw',
};

test('every command there is passes it before its action, but for those that look at no machine', async () => {
  assert.ok(ALL.length >= 18, `only ${ALL.length} commands were found`);
  for (const path of ALL) {
    assert.is(await workBefore(path), EXCEPTIONS[path] ?? 'thaw-and-settle', path);
  }
});

test('no exception is of a command that there is not', () => {
  assert.equal(
    Object.keys(EXCEPTIONS).filter((path) => !ALL.includes(path)),
    [],
  );
});

test('a command that is added passes it without a word of its own', async () => {
  const program = new Command('flashfreeze').exitOverride();
  const step = new FirstStep(program, async (work, tell) => tell(`did ${work}`));
  let seen: readonly string[] = [];
  program
    .command('new')
    .command('one')
    .addArgument(new Argument('[it]'))
    .action(() => {
      seen = [...step.found];
    });
  await program.parseAsync(['new', 'one'], { from: 'user' });
  assert.equal(seen, ['did thaw-and-settle']);
});

test.run();
