import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { describeCommands } from '../../src/commands/command-tree.ts';
import { createProgram } from '../../src/commands/program.ts';
import { wantsJson } from '../../src/commands/wants-json.ts';
import { refusalSchema } from '../../src/report/schemas/refusal.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { runOf } from '../report/fixtures/runs.ts';
import { suite } from '../suite.ts';
import { flashfreeze, MAIN } from './command-line.ts';

const test = suite('command line manners');
const NOWHERE = 'no-program-of-this-name';

test('freeze reads no options after the first word of the command', async () => {
  for (const args of [
    [NOWHERE, '--json', '--lanse'],
    ['--quiet', NOWHERE, '-c', '--help'],
    ['--', NOWHERE, '--json'],
  ]) {
    const { exitCode, stdout, stderr } = await flashfreeze(['freeze', ...args]);
    assert.is(exitCode, 127, stderr);
    assert.is(stdout, '');
    assert.match(stderr, '(FF_COMMAND_NOT_FOUND)');
  }
});

for (const [name, args, code] of [
  ['a run file that is none', ['report', '/etc/passwd', '--json'], 'FF_RUN_FILE_INVALID'],
  ['a command that does not exist', ['freeze', '--json', '--', NOWHERE], 'FF_COMMAND_NOT_FOUND'],
  ['an option that does not exist', ['snapshot', '--json', '--lanse', '3'], 'FF_USAGE'],
  ['nothing to snapshot', ['snapshot', '--json'], 'FF_USAGE'],
  [
    'a mount point that does not exist',
    ['plan', '--json', '--mount', '/nowhere'],
    'FF_MOUNT_NOT_FOUND',
  ],
  ['a blob that is none', ['doctor', '--json', '--disk', 'x'], 'FF_USAGE'],
  ['a container that is missing', ['snapshots', 'list', '--json'], 'FF_USAGE'],
  ['a container that is missing', ['snapshots', 'verify', '--json'], 'FF_USAGE'],
  ['a rule that is missing', ['snapshots', 'prune', '--json'], 'FF_USAGE'],
] as const) {
  test(`${name}, ${args.slice(0, 2).join(' ')}: JSON on standard output, a line on standard error`, async () => {
    const { exitCode, stdout, stderr } = await flashfreeze(args);
    assert.ok(exitCode !== 0);
    const { output, issues } = v.safeParse(refusalSchema, JSON.parse(stdout));
    assert.equal(issues, undefined);
    assert.is((output as { code: string }).code, code);
    assert.match(stderr, `(${code})`);
  });
}

test('what asks for JSON, and what only looks as if it did', () => {
  const program = createProgram(async () => {});
  for (const [line, expected] of [
    ['plan --json', true],
    ['snapshots list --container x --json', true],
    ['freeze --timeout 3 --json sh', true],
    ['freeze sh --json', false],
    ['freeze -- sh --json', false],
    ['plan --mount --json', false],
    ['thaw --json', false],
    ['plan', false],
  ] as const) {
    assert.is(wantsJson(program, line.split(' ')), expected, line);
  }
});

for (const args of [
  ['manual'],
  ['completion', 'bash'],
  ['schema', 'plan'],
  ['report', '--list'],
  ['plan'],
]) {
  test(`${args.join(' ')} on a full device fails with a code`, async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', full, 'pipe'] });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [exitCode] = (await once(child, 'close')) as [number];
    closeSync(full);
    assert.is(exitCode, 1, stderr);
    assert.match(stderr, /ENOSPC.*\(FF_OUTPUT_UNWRITABLE\)/);
  });
}

test('a page on a full device fails with the same code', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-manners-'));
  try {
    const run = join(folder, 'run.json');
    await writeFile(run, JSON.stringify(runOf(goodRecord(1))));
    const { stderr, exitCode } = await flashfreeze(['report', run, '-o', '/dev/full']);
    assert.is(exitCode, 1, stderr);
    assert.match(stderr, /\/dev\/full: cannot be written \(ENOSPC\).*\(FF_OUTPUT_UNWRITABLE\)/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('every command that people call has examples in its help, and they are lines that it accepts', async () => {
  const program = createProgram(async () => {});
  const called = describeCommands(program).filter(
    ({ path }) => !['extension', 'self-check'].includes(path[0] ?? ''),
  );
  for (const { path, examples } of called) {
    assert.ok(examples.length > 0, path.join(' '));
    for (const { line } of examples) {
      assert.ok(line.startsWith(`flashfreeze ${path[0] ?? ''}`.trim()), line);
      const words = (line.split(' -- ')[0] ?? '').split(' ').slice(1);
      const { options } =
        called
          .filter((it) => it.path.every((word, index) => words[index] === word))
          .toSorted((a, b) => b.path.length - a.path.length)[0] ?? {};
      const known = options?.flatMap(({ names }) => names) ?? [];
      for (const option of words.filter((it) => it.startsWith('-'))) {
        assert.ok(
          option === '-l' || option === '-' || known.includes(option),
          `${line}: ${option}`,
        );
      }
    }
  }
  const { stdout } = await flashfreeze(['snapshots', 'prune', '--help']);
  assert.match(stdout, 'Examples:\n  flashfreeze snapshots prune');
});

for (const [name, args, suggestion, help] of [
  ['a command', ['snapsot'], '(Did you mean snapshot?)', '(flashfreeze --help '],
  [
    'an inner command',
    ['snapshots', 'lst'],
    '(Did you mean list?)',
    '(flashfreeze snapshots --help ',
  ],
  ['an option', ['plan', '--jsn'], '(Did you mean --json?)', '(flashfreeze plan --help '],
  [
    'an option of an inner command, too early',
    ['snapshots', '--contaner', 'x', 'list'],
    '(Did you mean flashfreeze snapshots list --container?)',
    '(flashfreeze snapshots --help ',
  ],
  ['a choice', ['schema', 'snapshto'], '(Did you mean snapshot?)', '(flashfreeze schema --help '],
] as const) {
  test(`${name} that is misspelt: the right one, and the help of the right level`, async () => {
    const { stderr } = await flashfreeze(args);
    assert.ok(stderr.includes(suggestion), stderr);
    assert.ok(stderr.includes(help), stderr);
  });
}

for (const args of [
  ['sna\x1b[31mp'],
  ['plan', '--mo\x1b[31mnt'],
  ['thaw', '/no\x1b[31mwhere'],
  ['freeze', '--', 'no\x1b[31mprogram'],
  ['report', '/no\x1b[31mwhere'],
  ['report', '--list', '--folder', '/no\x1b[31mwhere'],
  ['snapshot', '--lanes', '\x1b[31m'],
  ['plan', '--mount', '/no\x1b[31mwhere'],
]) {
  test(`${args[0]} ${args[1] ?? ''}: control characters of an argument do not reach the terminal`, async () => {
    const { stdout, stderr } = await flashfreeze(args);
    assert.not.ok(`${stdout}${stderr}`.includes('\x1b'));
  });
}

test('report --list --json is of its schema', async () => {
  const { stdout } = await flashfreeze(['report', '--list', '--json', '--folder', '/nowhere']);
  assert.equal(JSON.parse(stdout), { runs: [] });
});

test.run();
