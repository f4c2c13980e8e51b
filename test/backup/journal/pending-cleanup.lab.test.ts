/** Clean-up for applications that dead runs have left pending. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { JOURNAL_DIRECTORY } from '../../../src/backup/journal/journal.ts';
import {
  notePendingCleanup,
  runPendingCleanup,
} from '../../../src/backup/journal/pending-cleanup.ts';
import { recover } from '../../../src/backup/journal/recover.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import type {
  PendingCleanup,
  PendingScript,
  PendingScriptAsBefore,
} from '../../../src/quiesce/quiesce-types.ts';
import { ScriptFiles } from '../../quiesce/scripts/script-files.ts';
import { suite } from '../../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('pending clean-up');
let directories = 0;

async function owedDirectory(): Promise<string> {
  directories += 1;
  const path = `/lab/owed${directories}`;
  await mkdir(path, { mode: 0o700 });
  return path;
}

function script(path: string, configPath?: string): PendingScript {
  const pending = { path, retries: 0, preScript: '/nowhere/pre', timeoutMs: 5_000 };
  return { kind: 'post-script', ...pending, ...(configPath === undefined ? {} : { configPath }) };
}

/** As older versions noted it. */
function scriptAsBefore(path: string, parameters: readonly string[]): PendingScriptAsBefore {
  return { kind: 'script', command: { path, parameters, retries: 0 }, timeoutMs: 5_000 };
}

async function leave(directory: string, owed: readonly unknown[]): Promise<void> {
  // No process has the number 0.
  const entry = { process: { pid: 0, startTicks: '1' }, begun: '2026-11-22T00:00:00.000Z', owed };
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `dead-${owed.length}.json`), JSON.stringify(entry));
}

async function settled(directory: string): Promise<string> {
  const sentences: string[] = [];
  await runPendingCleanup((sentence) => sentences.push(sentence), undefined, directory);
  return sentences.join('\n');
}

async function owedIn(directory: string): Promise<PendingCleanup[]> {
  const texts = await Promise.all(
    (await readdir(directory)).map((name) => readFile(join(directory, name), 'utf8')),
  );
  return texts.flatMap((text) => (JSON.parse(text) as { owed: PendingCleanup[] }).owed);
}

test('finished clean-up is forgotten, and failed clean-up is retried until it succeeds', async () => {
  const directory = await owedDirectory();
  const files = new ScriptFiles();
  const good = script(files.script('good', 'trace good'));
  const bad = script(files.script('bad', 'exit 1'));
  await leave(directory, [good, bad]);
  assert.match(
    await settled(directory),
    /ran the post-script \S+good, which.*\n.*bad, which that run had left undone, failed/,
  );
  assert.equal(await owedIn(directory), [bad]);
  assert.match(await settled(directory), 'bad, which that run had left undone, failed');
  files.script('bad', 'trace mended');
  assert.match(
    await settled(directory),
    /ran the post-script \S+bad, which that run had left undone/,
  );
  assert.equal(await readdir(directory), []);
  assert.is(await readFile(files.trace, 'utf8'), 'good\nmended\n');
  assert.is(await settled(directory), '');
});

test('the clean-up that a live process leaves to others is run by the next command, not earlier', async () => {
  const directory = await owedDirectory();
  const files = new ScriptFiles();
  const [first, second] = ['first', 'second'].map((name) =>
    script(files.script(name, `trace ${name}`)),
  );
  assert.ok(first !== undefined && second !== undefined);
  const settle = await notePendingCleanup([first, second], directory);
  assert.is(await settled(directory), '');
  await settle([second]);
  assert.match(
    await settled(directory),
    /ran the post-script \S+second, which that run had left undone/,
  );
  assert.is(await readFile(files.trace, 'utf8'), 'second\n');
  assert.equal(await readdir(directory), []);
});

test('a post-script gets the parameters that its configuration gives now, and what it prints is redacted', async () => {
  const directory = await owedDirectory();
  const files = new ScriptFiles();
  const postScriptLocation = files.script('post', 'trace "$@"; echo "got $*"');
  const config = files.plugin('plugin.json', {
    postScriptLocation,
    postScriptParams: ['thaw', 's3cretpw'],
  });
  await leave(directory, [script(postScriptLocation, config)]);
  const printed: string[] = [];
  const said = (text: string): unknown => printed.push(text);
  await runPendingCleanup(said, said, directory);
  assert.is(await readFile(files.trace, 'utf8'), 'thaw s3cretpw\n');
  assert.match(printed.join('\n'), /printed:\ngot thaw REDACTED\n.*ran the post-script/s);
  assert.equal(await readdir(directory), []);
});

test('a post-script whose parameters are not known any more is not run, and every command says so', async () => {
  const directory = await owedDirectory();
  const files = new ScriptFiles();
  const path = files.script('post', 'trace "$@"');
  const config = files.path('plugin.json');
  await leave(directory, [script(path, config)]);
  const other = { postScriptLocation: files.script('other', ''), postScriptParams: ['s3cretpw'] };
  const reasons: readonly [change: () => unknown, reason: RegExp][] = [
    [() => {}, /plugin\.json does not exist \(316\)/],
    [() => files.plugin('plugin.json', {}, 0o644), /plugin\.json has mode 0644.* \(317\)/],
    [() => files.plugin('plugin.json', other), /plugin\.json names another post-script now/],
  ];
  for (const [change, reason] of reasons) {
    change();
    const said = await settled(directory);
    assert.match(said, reason);
    assert.match(said, `cannot run the post-script ${path}, which that run had left undone`);
    assert.match(said, 'the application may still be quiesced');
    const [note = ''] = await readdir(directory);
    assert.match(said, `(noted in ${join(directory, note)})`);
    assert.equal(await owedIn(directory), [script(path, config)]);
  }
  files.plugin('plugin.json', { postScriptLocation: path, postScriptParams: ['s3cretpw'] });
  assert.match(await settled(directory), 'ran the post-script');
  assert.is(await readFile(files.trace, 'utf8'), 's3cretpw\n');
  assert.equal(await readdir(directory), []);
});

test('the note of an older version has the parameters', async () => {
  const directory = await owedDirectory();
  const files = new ScriptFiles();
  await leave(directory, [scriptAsBefore(files.script('post', 'trace "$@"'), ['with', 'these'])]);
  assert.match(await settled(directory), 'ran the post-script');
  assert.is(await readFile(files.trace, 'utf8'), 'with these\n');
});

test('a password that the client of a database repeats does not get out', async () => {
  const directory = await owedDirectory();
  const files = new ScriptFiles();
  const client = files.script('mysql', 'echo "ERROR 1045: not $MYSQL_PWD" >&2; exit 1');
  const workloadPath = files.path('workload.conf');
  const lines = [
    ...['[workload]', 'workload_name = mysql', `command_path = ${client}`],
    'credString = --no-defaults --password=hush1234',
  ];
  await writeFile(workloadPath, lines.join('\n'), { mode: 0o600 });
  await leave(directory, [{ kind: 'statements', workloadPath, statements: ['START SLAVE;'] }]);
  const said = await settled(directory);
  assert.match(said, /ERROR 1045: not REDACTED.*\(505\)/);
  assert.not.match(said, 'hush1234');
});

test('a script that the kernel refuses and an invalid entry do not stop the recovery', async () => {
  const directory = join(JOURNAL_DIRECTORY, 'owed');
  const files = new ScriptFiles();
  const refused = scriptAsBefore(files.script('refused', ''), ['x'.repeat(200_000)]);
  await leave(directory, [refused]);
  await leave(directory, [null, null]);
  const sentences: string[] = [];
  await recover((sentence) => sentences.push(sentence));
  assert.match(sentences.join('\n'), 'refused, which that run had left undone, failed');
  assert.match(sentences.join('\n'), 'E2BIG');
  assert.match(sentences.join('\n'), 'Cannot run the clean-up that an earlier run left in');
  assert.is((await owedIn(directory)).length, 3);
});

test.run();
