import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import { survivingScripts } from '../../src/quiesce/scripts/surviving-script.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { describeOffences, frozenSpan, offences, TRACED_CALLS } from '../faults/discipline.ts';
import { RunningCommand } from '../faults/running-command.ts';
import { parseStrace, strace } from '../faults/strace.ts';
import { untilRequested } from '../faults/watch-requests.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';
import { ScriptFiles } from './scripts/script-files.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('flashfreeze snapshot with scripts');
const OWED = '/run/flashfreeze/owed';

interface Result {
  readonly exitCode: number | null;
  readonly summary: RunSummary | undefined;
  readonly stderr: string;
  readonly snapshots: number;
}

async function snapshot(rig: Rig, plugin: string, files: ScriptFiles): Promise<Result> {
  const { pluginHost } = files.host([plugin]);
  const ended = await flashfreeze([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'],
  ]);
  return {
    exitCode: ended.exitCode,
    summary: ended.stdout === '' ? undefined : (JSON.parse(ended.stdout) as RunSummary),
    stderr: ended.stderr,
    snapshots: (await rig.server.snapshots('disk0')).length,
  };
}

function traceOf(files: ScriptFiles): string {
  return existsSync(files.trace) ? readFileSync(files.trace, 'utf8').trim() : '';
}

test('is application consistent, with code 0, where both scripts succeed', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const files = new ScriptFiles();
  const { exitCode, summary, stderr } = await snapshot(
    rig,
    files.usual({ appName: 'shop' }),
    files,
  );
  assert.is(exitCode, 0, stderr);
  assert.is(summary?.consistency, 'applicationConsistent');
  assert.is(summary?.code, 0);
  assert.is(traceOf(files), 'pre\npost');
  assert.is(summary?.application?.name, 'scripts shop');
  const { heldMs = 0 } = summary?.application ?? {};
  assert.ok((heldMs ?? 0) >= (summary?.windowMs.max ?? 0), 'held for less than the window');
  assert.equal(Object.keys(summary?.phasesMs ?? {}), [
    ...['prepare', 'lock', 'settle', 'rewarm', 'quiesce', 'arm', 'window', 'resume', 'release'],
  ]);
  assert.equal(readdirSync(OWED), []);
});

test('the scripts run before the first freeze and after the last thaw', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'btrfs' }], 100);
  const files = new ScriptFiles();
  const log = '/lab/strace.log';
  // Writing to the disk proves that it is not frozen.
  const touch = `touch ${join(rig.disks.disks[0]?.mountPoint ?? '', 'touched')} && trace`;
  const scripts = {
    preScriptLocation: files.script('p', `${touch} pre`),
    postScriptLocation: files.script('q', `${touch} post`),
  };
  const { pluginHost } = files.host([files.usual(scripts)]);
  const ended = await flashfreeze(
    ['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'],
    { under: [...strace(TRACED_CALLS), '-o', log] },
  );
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(traceOf(files), 'pre\npost');
  const calls = parseStrace(readFileSync(log, 'utf8'));
  const span = frozenSpan(calls);
  assert.ok(span);
  assert.is(describeOffences(offences(calls, span)), '');
  const startOf = (script: string) =>
    calls.find(({ name, text }) => name === 'execve' && text.includes(`"${script}"`));
  const [pre, post] = [startOf(scripts.preScriptLocation), startOf(scripts.postScriptLocation)];
  assert.ok(pre && post);
  assert.ok(pre.end < span.begin && post.begin > span.end);
});

test('a tolerated failure: file-system consistent with the code as a warning', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const plugin = files.usual({ preScriptLocation: files.script('p', 'exit 3') });
  const { exitCode, summary, stderr, snapshots } = await snapshot(rig, plugin, files);
  assert.is(exitCode, 0, stderr);
  assert.is(summary?.consistency, 'fileSystemConsistent');
  assert.is(summary?.code, 300);
  assert.match(summary?.warnings.join() ?? '', 'exit code 3');
  assert.is(snapshots, 1);
  assert.is(traceOf(files), 'post');
});

test('one that is not: no snapshot, nothing frozen, the post-script is run', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const plugin = files.usual({
    preScriptLocation: files.script('p', 'exit 3'),
    continueBackupOnFailure: false,
  });
  const { exitCode, stderr, snapshots } = await snapshot(rig, plugin, files);
  assert.is(exitCode, 1, stderr);
  assert.match(stderr, /exit code 3 \(code 300\); nothing was frozen \(FF_QUIESCE_FAILED\)/);
  assert.is(snapshots, 0);
  assert.is(traceOf(files), 'post');
});

test('a post-script that fails and is not tolerated: the code is the result', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const plugin = files.usual({
    postScriptLocation: files.script('p', 'exit 3'),
    continueBackupOnFailure: false,
  });
  const { exitCode, summary } = await snapshot(rig, plugin, files);
  assert.is(exitCode, 1);
  assert.is(summary?.consistency, 'none');
  assert.is(summary?.code, 301);
});

test('without a freeze the scripts alone make it application consistent', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const { summary, snapshots } = await snapshot(
    rig,
    files.usual({ fsFreezeEnabled: false }),
    files,
  );
  assert.is(summary?.consistency, 'applicationConsistent');
  assert.equal(summary?.fileSystems, []);
  assert.is(snapshots, 1);
});

test('where the scripts forbid a freeze, a machine with nothing to freeze can be backed up', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const { pluginHost } = files.host([files.usual({ fsFreezeEnabled: false })]);
  const ended = await flashfreeze([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'],
    ...['--skip', rig.disks.disks[0]?.mountPoint ?? ''],
  ]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is((JSON.parse(ended.stdout) as RunSummary).code, 0);
});

/** A run with a start in so many seconds; when its pre-script ran, by the wall clock. */
async function runScheduled(rig: Rig, seconds: number) {
  const files = new ScriptFiles();
  const at = new Date(Date.now() + seconds * 1_000);
  const { pluginHost } = files.host([
    files.usual({
      preScriptLocation: files.script('p', 'date +%s%3N >> "$1"'),
      preScriptParams: [files.trace],
    }),
  ]);
  const ended = await flashfreeze([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'],
    ...['--at', at.toISOString()],
  ]);
  return { at, ended, ran: Number(traceOf(files).split('\n')[0]) };
}

test('with a scheduled start the scripts run shortly before it', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  // A machine that is not ready by then begins at once.
  const { at, ended, ran } = await inTime(
    10,
    (seconds) => runScheduled(rig, seconds),
    (it) => it.ran < it.at.getTime(),
  );
  assert.is(ended.exitCode, 0, ended.stderr);
  const { code, barrier } = JSON.parse(ended.stdout) as RunSummary;
  assert.is(code, 0);
  assert.ok(Date.parse(barrier ?? '') >= at.getTime());
  assert.ok(ran < at.getTime() && ran > at.getTime() - 4_000, `${at.getTime() - ran} ms before`);
});

test('the post-script is run also where the freeze or a snapshot fails', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await rig.server.setFault({
    blob: 'disk0',
    at: 'request',
    fault: { kind: 'status', status: 500, code: 'InternalError' },
  });
  const files = new ScriptFiles();
  const { exitCode, summary } = await snapshot(rig, files.usual(), files);
  assert.is(exitCode, 1);
  assert.is(summary?.code, 76);
  assert.is(traceOf(files), 'pre\npost');
});

test('a parameter that may be a password does not get out, though the script prints it', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const plugin = files.usual({
    preScriptLocation: files.script('p', 'set -x; : "$@"'),
    preScriptParams: ['freeze', 's3cretpw'],
    postScriptLocation: files.script('q', 'echo "$1" >&2; exit 1'),
    postScriptParams: ['--token=hush1234'],
  });
  const { stderr, summary } = await snapshot(rig, plugin, files);
  assert.match(stderr, '+ : freeze REDACTED');
  assert.match(stderr, '--token=REDACTED');
  assert.not.match(`${stderr}${JSON.stringify(summary)}`, /s3cretpw|hush1234/);
});

test('a SAS that a script prints does not get out', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const [url = ''] = rig.server.urls;
  const other = 'https://a.blob.core.windows.net/c/b?sv=2021&sig=qwertzuiopasdfgh%3D';
  const plugin = files.usual({
    preScriptLocation: files.script('p', `echo 'backs up ${url}'; echo '${other}' >&2`),
  });
  const { exitCode, stderr } = await snapshot(rig, plugin, files);
  assert.is(exitCode, 0);
  assert.match(stderr, 'backs up https://');
  assert.match(stderr, 'REDACTED');
  assert.not.match(stderr, 'qwertzuiop');
  const signature = new URL(url).searchParams.get('sig') ?? '';
  assert.not.ok(stderr.includes(signature) || stderr.includes(encodeURIComponent(signature)));
});

test('leaves the scripts alone where that is asked for', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const { pluginHost } = files.host([files.usual()]);
  const ended = await flashfreeze([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--no-quiesce', '--json'],
  ]);
  assert.is((JSON.parse(ended.stdout) as RunSummary).consistency, 'fileSystemConsistent');
  assert.is(traceOf(files), '');
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} in the pre-script, and in the window: the post-script is run`, async () => {
    await using rig = await Rig.create([{ type: 'ext4' }]);
    for (const phase of ['quiesce', 'window'] as const) {
      const files = new ScriptFiles();
      const body = phase === 'quiesce' ? 'trace pre; sleep 1000' : 'trace pre';
      const { pluginHost } = files.host([
        files.usual({ preScriptLocation: files.script('p', body), timeoutInSeconds: 25 }),
      ]);
      await rig.server.setFault({
        blob: 'disk0',
        at: 'request',
        fault: { kind: 'no-answer', handled: true },
      });
      using command = RunningCommand.start([
        ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--timeout', '20'],
      ]);
      if (phase === 'quiesce') {
        await command.said('quiesce:');
      } else {
        await untilRequested(rig.server, command, ({ operation }) => operation === 'snapshot');
      }
      command.signal(signal);
      const { exitCode, stderr } = await command.ended;
      assert.ok((exitCode ?? 0) > 128, stderr);
      assert.match(traceOf(files), /post$/);
      assert.equal(readdirSync(OWED), []);
    }
  });
}

test('a post-script owed by a worker that was killed is run once, by the next command', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await rig.server.setFault({
    blob: 'disk0',
    at: 'request',
    fault: { kind: 'no-answer', handled: true },
  });
  const files = new ScriptFiles();
  const { pluginHost } = files.host([files.usual({ postScriptParams: ['with', 's3cretpw'] })]);
  using command = RunningCommand.start([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--timeout', '60'],
  ]);
  await untilRequested(rig.server, command, ({ operation }) => operation === 'snapshot');
  command.signal('SIGKILL');
  await command.exited;
  await rig.server.clearFaults();
  assert.is(traceOf(files), 'pre');
  const [note = ''] = readdirSync(OWED);
  const noted = readFileSync(join(OWED, note), 'utf8');
  assert.match(noted, files.path('post.sh'));
  assert.not.match(noted, 's3cretpw');
  const { mountPoint = '' } = rig.disks.disks[0] ?? {};
  const next = (): Promise<{ stderr: string }> => flashfreeze(['thaw', mountPoint]);
  const [first, second] = await Promise.all([next(), next()]);
  assert.is(traceOf(files), 'pre\npost with s3cretpw');
  assert.match(
    `${first.stderr}${second.stderr}`,
    `ran the post-script ${files.path('post.sh')}, which that run had left undone`,
  );
  assert.equal(readdirSync(OWED), []);
  assert.not.match((await next()).stderr, /left undone|Clean-up for a run/);
});

test('a pre-script that outlives its killed worker is ended before the post-script it is owed', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const files = new ScriptFiles();
  const daemon = files.path('daemon');
  const body = `(exec setsid sleep 900) & echo $! >${daemon}; trace pre; sleep 800; trace late`;
  const { pluginHost } = files.host([
    files.usual({ preScriptLocation: files.script('p', body), timeoutInSeconds: 900 }),
  ]);
  using command = RunningCommand.start([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost],
  ]);
  while (traceOf(files) !== 'pre') {
    await delay(20);
  }
  command.signal('SIGKILL');
  await command.exited;
  const { stderr } = await flashfreeze(['thaw', rig.disks.disks[0]?.mountPoint ?? '']);
  assert.match(
    stderr,
    `ended the pre-script ${files.path('p')}, which still ran, and ran the post`,
  );
  assert.is(traceOf(files), 'pre\npost');
  assert.equal(await survivingScripts(files.path('p')), []);
  // What it has put into the background for good is not of it.
  const pid = Number(readFileSync(daemon, 'utf8'));
  process.kill(pid, 'SIGKILL');
  assert.equal(readdirSync(OWED), []);
});

test('a pending post-script that outlives the command that started it is not started beside itself', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await rig.server.setFault({
    blob: 'disk0',
    at: 'request',
    times: 1,
    fault: { kind: 'no-answer', handled: true },
  });
  const { mountPoint = '' } = rig.disks.disks[0] ?? {};
  const files = new ScriptFiles();
  const postScriptLocation = files.script('post', 'trace begin; sleep 5; trace end');
  const { pluginHost } = files.host([files.usual({ postScriptLocation, timeoutInSeconds: 60 })]);
  using command = RunningCommand.start([
    ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--timeout', '2'],
  ]);
  await untilRequested(rig.server, command, ({ operation }) => operation === 'snapshot');
  command.signal('SIGKILL');
  await command.exited;
  using first = RunningCommand.start(['thaw', mountPoint]);
  while (!traceOf(files).includes('begin')) {
    await delay(20);
  }
  first.signal('SIGINT');
  await first.exited;
  const { stderr } = await flashfreeze(['thaw', mountPoint]);
  assert.is(traceOf(files), 'pre\nbegin\nend\nbegin\nend');
  assert.match(
    stderr,
    `waited for an earlier start of the post-script to end, and ran the post-script ${postScriptLocation}`,
  );
  assert.equal(readdirSync(OWED), []);
});

test('a damaged note of what is owed stops nothing', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  mkdirSync(OWED, { recursive: true });
  writeFileSync(join(OWED, 'a.json'), '{"process":');
  writeFileSync(join(OWED, 'b.json'), '[]');
  const files = new ScriptFiles();
  assert.is((await snapshot(rig, files.usual(), files)).summary?.code, 0);
});

test.run();
