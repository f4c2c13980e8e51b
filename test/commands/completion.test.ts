import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { describeCommands } from '../../src/commands/command-tree.ts';
import { completionScript } from '../../src/commands/completion.ts';
import { manualPage } from '../../src/commands/manual.ts';
import { createProgram } from '../../src/commands/program.ts';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../src/config/vmbackup.ts';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { runCommand, tryCommand } from '../../src/lab/run-command.ts';
import { RUN_FOLDER } from '../../src/report/run-folder.ts';
import { DEFAULT_LANES } from '../../src/snapshot/blob/lane-pool.ts';
import { suite } from '../suite.ts';

await requireLabCommands(['groff']);

const test = suite('completion and manual');
const commands = describeCommands(createProgram());

/** What bash offers for the last of the words. */
async function offered(...words: string[]): Promise<string[]> {
  const script = `${completionScript(commands, 'bash')}
COMP_WORDS=(flashfreeze "$@"); COMP_CWORD=$#; _flashfreeze; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = await runCommand('bash', ['-c', script, 'bash', ...words]);
  return output.split('\n').filter((line) => line !== '');
}

test('bash offers commands, inner commands, options and choices', async () => {
  assert.equal(await offered('sna'), ['snapshot', 'snapshots']);
  assert.equal(await offered('snapshots', 'p'), ['prune']);
  assert.ok((await offered('snapshots', 'prune', '--')).includes('--older-than'));
  assert.ok((await offered('snapshot', '--st')).includes('--strict-match'));
  assert.equal(await offered('snapshot', '--fire', ''), ['early', 'barrier']);
  assert.equal(await offered('completion', 'b'), ['bash']);
});

test('and files where an option takes a value', async () => {
  assert.ok((await offered('snapshot', '--blobs-from', '/etc/host')).includes('/etc/hosts'));
});

test('names with blanks stay whole', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze completion '));
  try {
    await writeFile(join(folder, 'my blobs.txt'), '');
    const start = join(folder, 'my');
    assert.equal(await offered('snapshot', '--blobs-from', start), [`${start} blobs.txt`]);
    assert.equal(await offered('report', start), [`${start} blobs.txt`]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('mount points where they are wanted, and no files', async () => {
  const mounted = (await runCommand('findmnt', ['-n', '-l', '-o', 'TARGET'])).split('\n');
  for (const words of [['snapshot', '--mount'], ['plan', '--skip'], ['thaw']]) {
    const all = await offered(...words, '/pro');
    assert.ok(all.includes('/proc'), words.join(' '));
    assert.ok(all.every((it) => mounted.includes(it)));
    assert.equal(await offered(...words, '/etc/host'), []);
  }
});

test('the scripts of zsh and fish name every command and option', () => {
  for (const shell of ['zsh', 'fish'] as const) {
    const script = completionScript(commands, shell);
    for (const { words } of commands) {
      assert.ok(words.every((word) => script.includes(word)));
    }
  }
});

test('fish is told the choices of an option', () => {
  const script = completionScript(commands, 'fish');
  assert.match(script, "-l fire -x -a 'early barrier'");
  assert.match(script, /-l timeout -r -d/);
});

test('zsh loads its own completion first where nothing has', () => {
  const [first = ''] = completionScript(commands, 'zsh').split('\n');
  assert.match(first, 'compinit');
});

test('the manual page has every command, option and exit code, and groff has nothing to say', async () => {
  const page = manualPage(commands);
  const { code, stdout, stderr } = await tryCommand(
    'groff',
    ['-man', '-Tascii', '-P-c', '-ww', '-z'],
    page,
  );
  assert.is(code, 0);
  assert.is(stderr, '');
  assert.is(stdout, '');
  for (const { path, options } of commands) {
    assert.ok(page.includes(path.join(' ')));
    for (const { names } of options) {
      assert.ok(
        names.every((name) => page.includes(name.replaceAll('-', '\\-'))),
        names.join(),
      );
    }
  }
});

test('the defaults and choices that are told are those of the program', () => {
  const options = commands.flatMap((it) => it.options);
  const descriptionOf = (name: string): string =>
    options.find(({ names }) => names.includes(name))?.description ?? '';
  assert.match(descriptionOf('--lanes'), `default: ${DEFAULT_LANES},`);
  assert.match(
    descriptionOf('--timeout'),
    `default: ${DEFAULT_VM_BACKUP_CONFIGURATION.timeoutMs / 1_000},`,
  );
  assert.match(descriptionOf('--fire'), '"early", "barrier"');
  assert.match(descriptionOf('--fire'), `default: ${DEFAULT_VM_BACKUP_CONFIGURATION.fire},`);
  assert.match(descriptionOf('--folder'), RUN_FOLDER);
});

test('every command and option says what it is for', () => {
  for (const { path, summary, options } of commands) {
    assert.ok(summary.length > 10, path.join(' '));
    assert.ok(
      options.every(({ description }) => description.length > 3),
      path.join(' '),
    );
  }
});

test.run();
