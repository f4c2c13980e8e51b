import { chmodSync, copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openTrustedFile } from '../../../src/config/trusted-file.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { unmount } from '../../../src/lab/unmount.ts';
import { runScript } from '../../../src/quiesce/scripts/run-script.ts';
import { suite } from '../../suite.ts';
import { codesOf, run, traceOf } from './quiesce-and-resume.ts';
import { ScriptFiles } from './script-files.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('surroundings of pre- and post-scripts');

test('what a script prints is noted, however much, within bounds', async () => {
  const files = new ScriptFiles();
  const script = files.script(
    'p',
    'echo begins; head -c 419430400 /dev/zero | tr "\\0" x | fold -w 99; echo complains >&2; echo ends',
  );
  const before = process.memoryUsage().rss;
  const ran = await run(
    files.host([files.usual({ preScriptLocation: script, timeoutInSeconds: 200 })]),
  );
  assert.is(ran.before, 'freeze');
  assert.match(ran.notes, 'begins');
  assert.match(ran.notes, /\n… 4236\d{5} bytes left out …\n/);
  assert.match(ran.notes, 'ends');
  assert.match(ran.notes, 'complains');
  assert.ok(ran.notes.length < 20_000, `${ran.notes.length} characters`);
  const grownMb = (process.memoryUsage().rss - before) / 2 ** 20;
  // V8 collects what was read after some 64 MB; the script has printed 400 MB.
  assert.ok(grownMb < 200, `grew by ${grownMb} MB`);
});

test('gets a minimal environment, no input, and knows its own path and directory', async () => {
  const files = new ScriptFiles();
  process.env.FLASHFREEZE_TEST_SECRET = 'hush';
  const script = files.script('p', 'env | sort; pwd; echo "read: $(cat)"');
  const { notes } = await run(files.host([files.usual({ preScriptLocation: script })]));
  assert.not.match(notes, 'hush');
  assert.match(notes, `FLASHFREEZE_SCRIPT=${script}`);
  assert.match(notes, `PWD=${files.directory}`);
  assert.match(notes, /read: \n|read:$/m);
});

test('what a pre-script leaves in the background lives on, and its output hurts nobody', async () => {
  const files = new ScriptFiles();
  const pid = files.path('pid');
  const script = files.script('p', `(while :; do echo talks; sleep 0.1; done) & echo $! > ${pid}`);
  const ran = await run(
    files.host([
      files.usual({
        preScriptLocation: script,
        postScriptLocation: files.script(
          'q',
          `kill -0 $(cat ${pid}) && trace alive; kill $(cat ${pid})`,
        ),
      }),
    ]),
  );
  assert.is(ran.before, 'freeze');
  assert.is(traceOf(files), 'alive');
});

test('finds what lies beside it by $0, as the scripts of other tools do', async () => {
  const files = new ScriptFiles();
  writeFileSync(files.path('settings.sh'), `NAME=beside\n`);
  const script = files.script('p', '. "$(dirname "$0")/settings.sh"; trace "$NAME $0"');
  const ran = await run(files.host([files.usual({ preScriptLocation: script })]));
  assert.equal(codesOf(ran), []);
  assert.match(traceOf(files), `beside ${script}`);
});

test('the script that was checked is run, whatever lies at its path by then', async () => {
  const files = new ScriptFiles();
  const path = files.script('p', 'trace checked');
  const opened = openTrustedFile(path, 0o077);
  assert.ok(opened.ok);
  using file = opened;
  renameSync(files.script('q', 'trace swapped'), path);
  const { end } = await runScript(file, { parameters: [], timeoutMs: 5_000, abort: undefined });
  assert.equal(end, { kind: 'exited', exitCode: 0 });
  assert.is(traceOf(files), 'checked');
});

test('one that is not executable is read by the shell, with its parameters and its path', async () => {
  const files = new ScriptFiles();
  const script = files.script('p', 'trace "$1 $0"', 0o600);
  const ran = await run(
    files.host([files.usual({ preScriptLocation: script, preScriptParams: ['x'] })]),
  );
  assert.equal(codesOf(ran), []);
  assert.match(traceOf(files), `x ${script}`);
});

test('one on a file system without execution, too', async () => {
  const files = new ScriptFiles();
  const directory = files.path('noexec');
  mkdirSync(directory);
  await runCommand('mount', ['-t', 'tmpfs', '-o', 'noexec,mode=755', 'noexec', directory]);
  try {
    const script = join(directory, 'p');
    copyFileSync(files.script('p', 'trace noexec'), script);
    const ran = await run(files.host([files.usual({ preScriptLocation: script })]));
    assert.equal(codesOf(ran), []);
    assert.match(traceOf(files), 'noexec');
  } finally {
    await unmount(directory);
  }
});

test('runs programs, and scripts without a first line', async () => {
  const files = new ScriptFiles();
  const bare = files.script('p', '');
  writeFileSync(bare, `echo bare "$1" >> ${files.trace}\n`);
  copyFileSync('/bin/true', files.path('true'));
  chmodSync(files.path('true'), 0o700);
  const ran = await run(
    files.host([
      files.usual({
        preScriptLocation: bare,
        preScriptParams: ['x'],
        postScriptLocation: files.path('true'),
      }),
    ]),
  );
  assert.equal(codesOf(ran), []);
  assert.is(traceOf(files), 'bare x');
});

test.run();
