import { writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { enterLab } from '../../../src/lab/namespace.ts';
import type { QuiescePaths } from '../../../src/quiesce/read-configuration.ts';
import { interpreterBeforeCr } from '../../../src/quiesce/scripts/run-script.ts';
import { suite } from '../../suite.ts';
import { codesOf, run, traceOf } from './quiesce-and-resume.ts';
import { ScriptFiles } from './script-files.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('codes of pre- and post-scripts');

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
    name: 'a pre-script whose interpreter is not executable',
    prepare: usual((files) => {
      const path = files.script('p', '');
      writeFileSync(path, `#!${files.script('interpreter', '', 0o600)}\n`);
      return { preScriptLocation: path };
    }),
    before: 'freeze 306',
    trace: 'post',
    words: 'EACCES',
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
    name: 'a pre-script saved with Windows line ends that fails is told why',
    prepare: usual((files) => {
      const path = files.script('p', '');
      writeFileSync(path, '#!/bin/sh\r\ntrue\r\n');
      return { preScriptLocation: path };
    }),
    before: 'freeze 300',
    trace: 'post',
    words: 'ends in CR (Windows line ends)',
  },
  {
    name: 'a pre-script with Windows line ends whose interpreter is missing',
    prepare: usual((files) => {
      const path = files.script('p', '');
      writeFileSync(path, '#!/no/such/interpreter -x\r\n');
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
    prepare: (files) => files.host([files.plugin('p.json', { preScriptParams: ['\0'] })]),
    before: 'freeze 305',
    trace: '',
    words: 'preScriptParams',
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

for (const isThawed of [true, false]) {
  test(`a post-script that fails ${isThawed ? 'after the thaw is not run again' : 'although a thaw does not finish is left to the next command'}`, async () => {
    const files = new ScriptFiles();
    const postScriptLocation = files.script('p', 'exit 3');
    const both = [files.usual({ postScriptLocation }, 'a.json'), files.usual({}, 'b.json')];
    const ran = await run(files.host(both), { isThawed });
    assert.equal(codesOf(ran), [301]);
    const left = ran.left.flatMap((it) => (it.kind === 'post-script' ? [it.path] : []));
    assert.equal(left, isThawed ? [] : [postScriptLocation]);
  });
}

test('a script whose #! line ends in CR is read by the interpreter that it names, and noted', async () => {
  const files = new ScriptFiles();
  const preScriptLocation = files.script('p', '');
  const body = `echo "pre $1 \${BASH_VERSION:+by bash} $0" >> ${files.trace}`;
  writeFileSync(preScriptLocation, `#!/usr/bin/env bash\r\n${body}\n`);
  const ran = await run(
    files.host([files.usual({ preScriptLocation, preScriptParams: ['given'] })]),
  );
  assert.is(ran.before, 'freeze');
  assert.is(traceOf(files), `pre given by bash ${preScriptLocation}\npost`);
  assert.match(ran.notes, `${preScriptLocation}: its first line ends in CR (Windows line ends)`);
});

test('the interpreter before a CR is taken as the kernel takes it', () => {
  for (const [line, expected] of [
    ['#!/bin/sh\r', ['/bin/sh']],
    ['#! /bin/bash -e -u \r', ['/bin/bash', '-e -u']],
    ['#!/usr/bin/env\tpython3\r', ['/usr/bin/env', 'python3']],
    ['#!/bin/sh', undefined],
    ['#!\r', undefined],
    ['echo hello\r', undefined],
  ] as const) {
    assert.equal(interpreterBeforeCr(line), expected, line);
  }
});

test('parameters in the place of the path are not repeated: they may be secret', async () => {
  const files = new ScriptFiles();
  const postScriptLocation = `${files.path('post.sh')} hush1234`;
  const ran = await run(files.host([files.usual({ postScriptLocation })]));
  const [message = ''] = ran.application.record().findings.map((it) => it.message);
  assert.match(message, 'post.sh … does not exist; its parameters belong in postScriptParams');
  assert.not.match(message, 'hush1234');
});

test.run();
