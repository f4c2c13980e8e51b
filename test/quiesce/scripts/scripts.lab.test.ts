import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { PLUGIN_HOST_PATH } from '../../../src/config/plugin-host.ts';
import { openTrustedFile } from '../../../src/config/trusted-file.ts';
import type { Owed, QuiescedApplication } from '../../../src/quiesce/model.ts';
import { quiesce } from '../../../src/quiesce/quiesce.ts';
import {
  type QuiescePaths,
  readQuiesceConfiguration,
} from '../../../src/quiesce/read-configuration.ts';
import { runScript } from '../../../src/quiesce/scripts/run-script.ts';
import { enterLab } from '../../lab/namespace.ts';
import { suite } from '../../suite.ts';
import { ScriptFiles } from './script-files.ts';

await enterLab({ lifetimeSeconds: 200 });

const test = suite('pre- and post-scripts');
const RULES = { freezeAfterAppFailure: true, freezeAfterAppSuccess: true };

interface Ran {
  readonly application: QuiescedApplication;
  /** `course code code …` after the pre-scripts. */
  readonly before: string;
  readonly notes: string;
  readonly owed: readonly Owed[];
  readonly isOwedSettled: boolean;
}

interface Circumstances {
  readonly abort?: AbortSignal;
  /** Between pre- and post-scripts. */
  readonly meanwhile?: () => void;
  /** Called when nothing is owed any more. */
  readonly settle?: () => Promise<void>;
}

/** Reads the configuration, quiesces and resumes. */
async function run(paths: QuiescePaths, circumstances: Circumstances = {}): Promise<Ran> {
  const plan = readQuiesceConfiguration(paths, RULES);
  assert.ok(plan !== undefined);
  const notes: string[] = [];
  let owed: readonly Owed[] = [];
  let isOwedSettled = false;
  const application = await quiesce(plan, {
    fileSystems: [],
    freezes: true,
    isSnapshotted: () => true,
    abort: circumstances.abort ?? new AbortController().signal,
    note: (message) => notes.push(message),
    owe: async (scripts) => {
      owed = scripts;
      return async () => {
        await circumstances.settle?.();
        isOwedSettled = true;
      };
    },
  });
  const codes = application.findings.map(({ code }) => code);
  const before = [application.course, ...codes].join(' ');
  circumstances.meanwhile?.();
  await application.resume();
  return { application, before, notes: notes.join('\n'), owed, isOwedSettled };
}

function traceOf(files: ScriptFiles): string {
  return existsSync(files.trace) ? readFileSync(files.trace, 'utf8').trim() : '';
}

function codesOf({ application }: Ran): number[] {
  return application.record().findings.map(({ code }) => code);
}

test('runs both with their parameters, and owes the post-script meanwhile', async () => {
  const files = new ScriptFiles();
  const ran = await run(
    files.host([
      files.usual({ preScriptParams: ['a', 'b c'], postScriptParams: ['d'], appName: 'shop' }),
    ]),
    { meanwhile: () => assert.is(traceOf(files), 'pre a b c') },
  );
  assert.is(traceOf(files), 'pre a b c\npost d');
  assert.is(ran.before, 'freeze');
  assert.equal(codesOf(ran), []);
  const [owed] = ran.owed;
  assert.is(owed?.kind === 'script' && owed.command.path, files.path('post.sh'));
  assert.ok(ran.isOwedSettled);
  const { name, held } = ran.application.record();
  assert.is(name, 'scripts shop');
  assert.ok(held !== undefined && held.toNs > held.fromNs);
});

test('a second resume runs nothing a second time', async () => {
  const files = new ScriptFiles();
  const { application } = await run(files.host([files.usual()]));
  await application.resume();
  assert.is(traceOf(files), 'pre\npost');
});

test('where there is no file at all there is nothing to quiesce; nor where only the host file is', () => {
  const files = new ScriptFiles();
  const paths = files.host([files.path('none.json')]);
  assert.is(readQuiesceConfiguration(paths, RULES), undefined);
  const none = { ...paths, pluginHost: PLUGIN_HOST_PATH };
  assert.is(readQuiesceConfiguration(none, RULES), undefined);
});

test('a note of what is owed that cannot be removed does not cost the record', async () => {
  const files = new ScriptFiles();
  const ran = await run(files.host([files.usual()]), {
    settle: () => Promise.reject(new Error('EROFS')),
  });
  assert.is(traceOf(files), 'pre\npost');
  assert.equal(codesOf(ran), []);
  assert.ok(ran.application.record().held !== undefined);
  assert.match(ran.notes, /could not be removed.*EROFS/);
});

type Prepare = (files: ScriptFiles) => QuiescePaths;
interface Case {
  readonly name: string;
  readonly prepare: Prepare;
  /** Course and codes after the pre-scripts. */
  readonly before: string;
  /** Codes in the end, where there are more. */
  readonly after?: readonly number[];
  readonly trace: string;
  readonly words: string;
}

const usual =
  (members: (files: ScriptFiles) => Readonly<Record<string, unknown>>): Prepare =>
  (files) =>
    files.host([files.usual(members(files))]);

/** More than MAX_ARG_STRLEN, execve(2): Node throws that instead of telling it as an event. */
const TOO_LONG = 'x'.repeat(200_000);

const CASES: readonly Case[] = [
  {
    name: 'a pre-script that fails',
    prepare: usual((files) => ({ preScriptLocation: files.script('p', 'trace pre; exit 3') })),
    before: 'freeze 300',
    trace: 'pre\npost',
    words: 'exit code 3',
  },
  {
    name: 'a pre-script that fails for good after two retries',
    prepare: usual((files) => ({
      preScriptLocation: files.script('p', 'trace pre; exit 1'),
      preScriptNoOfRetries: 2,
    })),
    before: 'freeze 300',
    trace: 'pre\npre\npre\npost',
    words: 'exit code 1',
  },
  {
    name: 'a pre-script that succeeds at the second try',
    prepare: usual((files) => ({
      preScriptLocation: files.script('p', `trace pre; [ $(grep -c pre ${files.trace}) = 2 ]`),
      preScriptNoOfRetries: 5,
    })),
    before: 'freeze',
    trace: 'pre\npre\npost',
    words: '',
  },
  {
    name: 'a pre-script that is killed',
    prepare: usual((files) => ({ preScriptLocation: files.script('p', 'kill -9 $$') })),
    before: 'freeze 300',
    trace: 'post',
    words: 'SIGKILL',
  },
  {
    name: 'a pre-script that fails, where the backup must not go on without',
    prepare: usual((files) => ({
      preScriptLocation: files.script('p', 'exit 1'),
      continueBackupOnFailure: false,
    })),
    before: 'stop 300',
    trace: 'post',
    words: 'exit code 1',
  },
  {
    name: 'a pre-script that fails, where nothing would be frozen',
    prepare: usual((files) => ({
      preScriptLocation: files.script('p', 'exit 1'),
      fsFreezeEnabled: false,
    })),
    before: 'stop 300',
    trace: 'post',
    words: 'exit code 1',
  },
  {
    name: 'no freeze wanted',
    prepare: usual(() => ({ fsFreezeEnabled: false })),
    before: 'no-freeze',
    trace: 'pre\npost',
    words: '',
  },
  {
    name: 'a post-script that fails',
    prepare: usual((files) => ({
      postScriptLocation: files.script('p', 'trace post; exit 4'),
      postScriptNoOfRetries: 1,
    })),
    before: 'freeze',
    after: [301],
    trace: 'pre\npost\npost',
    words: 'exit code 4',
  },
  {
    name: 'no pre-script: neither is run',
    prepare: usual((files) => ({ preScriptLocation: files.path('missing') })),
    before: 'freeze 302',
    trace: '',
    words: 'does not exist',
  },
  {
    name: 'no pre-script named',
    prepare: usual(() => ({ preScriptLocation: '' })),
    before: 'freeze 302',
    trace: '',
    words: 'preScriptLocation',
  },
  {
    name: 'no post-script: neither is run',
    prepare: usual((files) => ({ postScriptLocation: files.path('missing') })),
    before: 'freeze 303',
    trace: '',
    words: 'does not exist',
  },
  {
    name: 'a pre-script that others may read',
    prepare: usual((files) => ({ preScriptLocation: files.script('p', 'trace pre', 0o744) })),
    before: 'freeze 306',
    trace: '',
    words: 'chmod 0700',
  },
  {
    name: 'a post-script that a group may execute',
    prepare: usual((files) => ({ postScriptLocation: files.script('p', 'trace post', 0o710) })),
    before: 'freeze 307',
    trace: '',
    words: 'chmod 0700',
  },
  {
    name: 'both scripts open to others',
    prepare: usual((files) => ({
      preScriptLocation: files.script('p', 'trace pre', 0o755),
      postScriptLocation: files.script('q', 'trace post', 0o755),
    })),
    before: 'freeze 306 307',
    trace: '',
    words: 'mode 0755',
  },
  {
    name: 'a pre-script that is not executable',
    prepare: usual((files) => ({ preScriptLocation: files.script('p', 'trace pre', 0o600) })),
    before: 'freeze 306',
    trace: 'post',
    words: 'chmod 700',
  },
  {
    name: 'a pre-script without its interpreter',
    prepare: usual((files) => {
      const path = files.script('p', '');
      writeFileSync(path, '#!/no/such/interpreter\n');
      return { preScriptLocation: path };
    }),
    before: 'freeze 300',
    trace: 'post',
    words: 'ENOENT',
  },
  {
    name: 'a pre-script whose parameters are too long for the kernel',
    prepare: usual(() => ({ preScriptParams: [TOO_LONG] })),
    before: 'freeze 300',
    trace: 'post',
    words: 'E2BIG',
  },
  {
    name: 'a post-script whose parameters are too long for the kernel',
    prepare: usual(() => ({ postScriptParams: [TOO_LONG] })),
    before: 'freeze',
    after: [301],
    trace: 'pre',
    words: 'E2BIG',
  },
  {
    name: 'a host configuration that was named and is not there',
    prepare: (files) => ({ ...files.host([files.usual()]), pluginHost: files.path('missing') }),
    before: 'freeze 313',
    trace: '',
    words: 'does not exist',
  },
  {
    name: 'a host configuration that others may write',
    prepare: (files) => {
      const paths = files.host([files.usual()]);
      files.plugin('host.conf', {}, 0o646);
      return paths;
    },
    before: 'freeze 314',
    trace: '',
    words: 'chmod 0644',
  },
  {
    name: 'a host configuration that cannot be understood',
    prepare: (files) => {
      const paths = files.host([files.usual()]);
      writeFileSync(paths.pluginHost, '[other]\n');
      return paths;
    },
    before: 'freeze 304',
    trace: '',
    words: '[pre_post]',
  },
  {
    name: 'a script configuration that is not there',
    prepare: (files) => files.host([files.path('missing.json')]),
    before: 'freeze 316',
    trace: '',
    words: 'does not exist',
  },
  {
    name: 'a script configuration that others may read',
    prepare: (files) => files.host([files.plugin('p.json', {}, 0o640)]),
    before: 'freeze 317',
    trace: '',
    words: 'chmod 0600',
  },
  {
    name: 'a script configuration that cannot be understood',
    prepare: (files) => files.host([files.plugin('p.json', { timeoutInSeconds: -1 })]),
    before: 'freeze 305',
    trace: '',
    words: 'timeoutInSeconds',
  },
  {
    name: 'one good plugin and one bad',
    prepare: (files) => files.host([files.usual(), files.path('missing.json')]),
    before: 'freeze 316',
    trace: 'pre\npost',
    words: 'does not exist',
  },
];

for (const { name, prepare, before, after, trace, words } of CASES) {
  test(`${name}: ${[before, ...(after ?? [])].join(' ')}`, async () => {
    const files = new ScriptFiles();
    const ran = await run(prepare(files));
    assert.is(ran.before, before);
    assert.is(traceOf(files), trace);
    if (after !== undefined) {
      assert.equal(codesOf(ran), after);
    }
    assert.match(
      ran.application
        .record()
        .findings.map(({ message }) => message)
        .join('\n'),
      words,
    );
  });
}

const HANG = `
sleep 1000 &
(trap '' TERM; exec sleep 1000) &
echo $! > "$1"
trace hangs
wait`;

test('a pre-script that hangs with a daemon is ended with all its processes: 308', async () => {
  const files = new ScriptFiles();
  const daemon = files.path('daemon');
  const ran = await run(
    files.host([
      files.usual({
        preScriptLocation: files.script('hang', HANG),
        preScriptParams: [daemon],
        preScriptNoOfRetries: 3,
        timeoutInSeconds: 1,
      }),
    ]),
  );
  assert.is(ran.before, 'freeze 308');
  assert.is(traceOf(files), 'hangs\npost');
  await assertGone(Number(readFileSync(daemon, 'utf8')));
});

test('a post-script that hangs: 309', async () => {
  const files = new ScriptFiles();
  const daemon = files.path('daemon');
  const ran = await run(
    files.host([
      files.usual({
        postScriptLocation: files.script('hang', HANG),
        postScriptParams: [daemon],
        timeoutInSeconds: 1,
      }),
    ]),
  );
  assert.is(ran.before, 'freeze');
  assert.equal(codesOf(ran), [309]);
  await assertGone(Number(readFileSync(daemon, 'utf8')));
});

/** Killed already; its number may be there until somebody has reaped it. */
async function assertGone(pid: number): Promise<void> {
  const state = (): string | undefined => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0];
    } catch {
      return undefined;
    }
  };
  for (let waited = 0; waited < 2_000 && ![undefined, 'Z'].includes(state()); waited += 20) {
    await delay(20);
  }
  assert.ok([undefined, 'Z'].includes(state()), `${pid} is in state ${state()}`);
}

test('the time of all scripts together limits their retries: 310 and 311', async () => {
  const files = new ScriptFiles();
  const slow = files.script('slow', 'sleep 0.4; exit 1');
  const ran = await run(
    files.host(
      [
        files.usual({
          preScriptLocation: slow,
          postScriptLocation: slow,
          preScriptNoOfRetries: 100,
          postScriptNoOfRetries: 100,
        }),
      ],
      'timeoutInSeconds=1',
    ),
  );
  assert.is(ran.before, 'freeze 310');
  assert.equal(codesOf(ran), [310, 311]);
});

test('plugins run side by side', async () => {
  const files = new ScriptFiles();
  // Each waits until the other has begun.
  const meet = (own: string, other: string): string =>
    `touch ${files.path(own)}; until [ -e ${files.path(other)} ]; do sleep 0.05; done; trace ${own}`;
  const plugin = (own: string, other: string): string =>
    files.usual(
      { preScriptLocation: files.script(`pre-${own}`, meet(own, other)), timeoutInSeconds: 8 },
      `${own}.json`,
    );
  const ran = await run(files.host([plugin('a', 'b'), plugin('b', 'a')]));
  assert.is(ran.before, 'freeze');
  assert.is(traceOf(files).split('\n').toSorted().join(' '), 'a b post post');
});

test('an abort ends a pre-script at once, and the post-script is run all the same', async () => {
  const files = new ScriptFiles();
  const ran = await run(
    files.host([
      files.usual({ preScriptLocation: files.script('p', 'sleep 1000'), timeoutInSeconds: 25 }),
    ]),
    { abort: AbortSignal.timeout(300) },
  );
  assert.is(ran.before, 'freeze 300');
  assert.is(traceOf(files), 'post');
});

test('what a script prints is noted, however much, within bounds', async () => {
  const files = new ScriptFiles();
  const script = files.script(
    'p',
    'echo begins; head -c 104857600 /dev/zero | tr "\\0" x | fold -w 99; echo complains >&2; echo ends',
  );
  const before = process.memoryUsage().rss;
  const ran = await run(
    files.host([files.usual({ preScriptLocation: script, timeoutInSeconds: 25 })]),
  );
  assert.is(ran.before, 'freeze');
  assert.match(ran.notes, 'begins');
  assert.match(ran.notes, /\n… 1059\d{5} bytes left out …\n/);
  assert.match(ran.notes, 'ends');
  assert.match(ran.notes, 'complains');
  assert.ok(ran.notes.length < 20_000, `${ran.notes.length} characters`);
  const grownMb = (process.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grownMb < 60, `grew by ${grownMb} MB`);
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
