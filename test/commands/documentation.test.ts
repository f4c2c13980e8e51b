import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Command, CommanderError } from 'commander';
import * as assert from 'uvu/assert';
import { createProgram } from '../../src/commands/program.ts';
import {
  DEFAULT_VM_BACKUP_CONFIGURATION,
  parseVmBackupConfiguration,
} from '../../src/config/vmbackup.ts';
import { ERROR_EXIT_CODES } from '../../src/errors.ts';
import { RESULTS } from '../../src/result-codes.ts';
import { suite } from '../suite.ts';

const test = suite('documentation');
const ROOT = join(import.meta.dirname, '../..');

/** The READMEs and every page under src. */
const PAGES = [
  'README.md',
  'bench/README.md',
  ...readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('src', name)),
];

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** Contents of the blocks of a language. */
function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, named = '', body = '']) =>
    named === language ? [body] : [],
  );
}

/** The command lines of `flashfreeze` in a page's shell examples, as a shell splits them. */
function examplesOf(page: string): string[][] {
  return blocksOf(textOf(page), 'sh')
    .flatMap((block) => block.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .filter((line) => /^(?:sudo |npx )*flashfreeze /.test(line))
    .map((line) => wordsOf(line).slice(line.split(' ').indexOf('flashfreeze') + 1));
}

/** Words, quotes, comments and redirections, as far as the examples have them. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  );
  const end = words.findIndex((word) => ['#', '>', '|', '<', '&&'].includes(word));
  return end < 0 ? words : words.slice(0, end);
}

/** The program as it is, but its actions do nothing. */
function inertProgram(): Command {
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) {
      command.action(() => {});
    }
    command.commands.forEach(silence);
  };
  const program = createProgram();
  silence(program);
  return program;
}

test('every command line in the pages is one that is understood', async () => {
  let count = 0;
  for (const page of PAGES) {
    for (const words of examplesOf(page)) {
      try {
        await inertProgram().parseAsync(words, { from: 'user' });
      } catch (error) {
        const reason = error instanceof CommanderError ? error.message : String(error);
        assert.unreachable(`${page}: flashfreeze ${words.join(' ')}: ${reason}`);
      }
      count += 1;
    }
  }
  assert.ok(count >= 15, `only ${count} examples were found`);
});

test('a wrong one would be noticed', async () => {
  for (const words of [['snapshto'], ['snapshot', '--blbo', 'x'], ['schema', 'nothing']]) {
    let refused = false;
    await inertProgram()
      .parseAsync(words, { from: 'user' })
      .catch(() => {
        refused = true;
      });
    assert.ok(refused, words.join(' '));
  }
});

test('the command that a checkout makes runs, from any folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-install-'));
  try {
    const block =
      blocksOf(textOf('src/docs/install.md'), 'sh').find((it) => it.startsWith('install ')) ?? '';
    assert.match(block, '/usr/local/bin/flashfreeze');
    execFileSync('sh', ['-euc', block.replace('/usr/local/bin', folder)], { cwd: ROOT });
    const installed = join(folder, 'flashfreeze');
    const version = execFileSync(installed, ['--version'], { cwd: '/', encoding: 'utf8' });
    assert.match(version, /^\d+\.\d+\.\d+\n$/);
    const schema = execFileSync(installed, ['schema', 'plan'], { cwd: '/', encoding: 'utf8' });
    assert.type(JSON.parse(schema), 'object');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the sample of vmbackup.conf is right, and has every key with the default in the table', () => {
  const page = textOf('src/docs/configuration.md');
  const [sample = ''] = blocksOf(page, 'ini');
  const { configuration, warnings } = parseVmBackupConfiguration(sample, 'vmbackup.conf');
  assert.equal(warnings, []);
  assert.equal(
    {
      ...configuration,
      ...{ mountsToSkip: [], metricsFile: undefined, notify: undefined, lanes: undefined },
      manifestContainerFile: undefined,
    },
    { ...DEFAULT_VM_BACKUP_CONFIGURATION, snapshotMethod: 'firstHostThenGuest' },
  );
  const keys = [...sample.matchAll(/^(\w+) = (.*)$/gm)];
  assert.ok(keys.length >= 19);
  const own = ['none', "the task's"];
  for (const [, key = '', value = ''] of keys) {
    const row = new RegExp(`^\\| \`${key}\` \\| ([^|]+) \\|`, 'm').exec(page)?.[1]?.trim();
    assert.ok(row !== undefined, `${key} is not in the table`);
    assert.ok(
      own.includes(row) || row === value,
      `${key}: ${row} in the table, ${value} in the sample`,
    );
  }
});

test('the sample names every key that the reader knows', () => {
  const page = textOf('src/docs/configuration.md');
  const source = textOf('src/config/vmbackup.ts');
  const known = [...source.matchAll(/(?:flag|choice|seconds)\('(\w+)'|name: '(\w+)'/g)].map(
    ([, short, long]) => short ?? long ?? '',
  );
  assert.ok(known.length >= 19);
  for (const key of known) {
    assert.ok(page.includes(`\n${key} = `), `${key} is not in the sample`);
  }
});

test('every result code and every error code is explained', () => {
  const page = textOf('src/docs/troubleshooting.md');
  for (const [code, { name }] of Object.entries(RESULTS)) {
    assert.ok(page.includes(`\n| ${code} (${name}) | `), `${code} (${name})`);
  }
  for (const code of Object.keys(ERROR_EXIT_CODES)) {
    assert.ok(page.includes(`\`${code}\``), code);
  }
});

test('every option of snapshot is explained, and none that does not exist', () => {
  const [, section = ''] = textOf('src/docs/command-line.md').split('\n## snapshot\n');
  const [table = ''] = section.split('\n## ');
  const explained = [...table.matchAll(/^\| `(--[\w-]+)/gm)].map(([, option]) => option);
  const snapshot = inertProgram().commands.find((it) => it.name() === 'snapshot');
  assert.equal(
    explained.toSorted(),
    snapshot?.options.map(({ long }) => long ?? undefined).toSorted(),
  );
});

test('the result in the page has the fields of its schema', () => {
  const [block = ''] = blocksOf(textOf('src/docs/consistency.md'), '').filter((it) =>
    it.startsWith('{consistency'),
  );
  const schema = textOf('src/report/schemas/json/snapshot.schema.json');
  const fields = [...block.matchAll(/\w+(?=[,:}\]])/g)].map(([field]) => field);
  assert.ok(fields.length > 40);
  for (const field of fields.filter((it) => it !== 'null')) {
    assert.ok(schema.includes(`"${field}": {`), field);
  }
});

test('every npm script in the pages exists', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  for (const page of PAGES) {
    for (const [, script = ''] of textOf(page).matchAll(/\bnpm run\s+([\w-]+)/g)) {
      assert.ok(script in scripts, `${page}: npm run ${script}`);
    }
  }
  assert.ok('start' in scripts && 'test' in scripts);
});

test('every folder in the table of the layout exists', () => {
  const [, section = ''] = textOf('src/docs/develop.md').split('\n## Where things are\n');
  const [layout = ''] = section.split('\n## ');
  const folders = [...layout.matchAll(/`([a-z]+(?:\/[a-z]+)*)\/?`/g)].map(([, folder]) => folder);
  assert.ok(folders.length >= 10);
  assert.equal(
    folders.filter((folder = '') => !existsSync(join(ROOT, folder))),
    [],
  );
});

test('the README fits on 150 lines', () => {
  const lines = textOf('README.md').trimEnd().split('\n').length;
  assert.ok(lines <= 150, `${lines} lines`);
});

test('every page begins with a title and the question that it answers', () => {
  const folders = ['src/docs', 'src/docs/how-to'];
  for (const page of PAGES.filter((it) => folders.includes(dirname(it)))) {
    assert.match(textOf(page), /^# .+\n\n[A-Z][^#|]*\?\n/, page);
  }
});

test.run();
