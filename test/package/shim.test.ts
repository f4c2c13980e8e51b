import { execFile } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { OLDEST_GLIBC, TOO_OLD_DISTRIBUTIONS } from '../../src/package/symbol-versions.ts';
import { suite } from '../suite.ts';

const test = suite('shim');

const SHIM = join(import.meta.dirname, '../../src/package/flashfreeze.sh');
const REPORT = `#!/bin/sh
[ "$1" = --version ] && exit 0
echo "$0"; for n in 1 2 3 4 5; do echo "$1"; shift; done; echo "$#"
for argument; do echo "$argument"; done
echo "$NODE_COMPILE_CACHE"; echo "\${NODE_OPTIONS-none}"; pwd
exit 7
`;
const BROKEN = `#!/bin/sh
echo "libc.so.6: version GLIBC_2.28 not found" >&2
exit 1
`;

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A payload with a script in the place of Node.js. */
class Payload implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(node: string): Promise<Payload> {
    const folder = await mkdtemp(join(tmpdir(), "shim's folder "));
    await copyFile(SHIM, join(folder, 'flashfreeze'));
    await chmod(join(folder, 'flashfreeze'), 0o755);
    await writeFile(join(folder, 'node'), node, { mode: 0o755 });
    return new Payload(folder);
  }

  /** Runs a command line as the agent does, with nothing but PATH in the environment. */
  run(commandLine: string, cwd = '/', environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>();
    const env = { PATH: '/usr/bin:/bin', ...environment };
    execFile('/bin/sh', ['-c', commandLine], { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

test('arguments, exit code and working directory are passed on', async () => {
  await using payload = await Payload.create(REPORT);
  const { folder } = payload;
  const { code, stdout } = await payload.run(`"${folder}/flashfreeze" extension enable 'a b' '*'`);
  assert.is(code, 7);
  assert.equal(stdout.split('\n'), [
    join(folder, 'node'),
    '--max-semi-space-size=4',
    '--no-opt',
    '--no-maglev',
    '--liftoff-only',
    join(folder, 'flashfreeze.js'),
    '4',
    'extension',
    'enable',
    'a b',
    '*',
    '/run/flashfreeze-cache',
    'none',
    '/',
    '',
  ]);
});

test('it finds itself by a relative path, too', async () => {
  await using payload = await Payload.create(REPORT);
  for (const commandLine of ['./flashfreeze x', 'sh flashfreeze x', 'PATH=$PATH:. flashfreeze x']) {
    const { stdout } = await payload.run(commandLine, payload.folder);
    assert.is(stdout.split('\n')[0], join(payload.folder, 'node'), commandLine);
  }
});

test('a CDPATH of the caller’s does not lead it astray', async () => {
  await using payload = await Payload.create(REPORT);
  const [, parent = '', name = ''] = /^(.*)\/([^/]+)$/.exec(payload.folder) ?? [];
  const { stdout } = await payload.run(`"${name}/flashfreeze" x`, parent, { CDPATH: parent });
  assert.is(stdout.split('\n')[0], join(payload.folder, 'node'));
});

/** Shells that are `/bin/sh` on some distribution. */
const SHELLS = ['dash', 'bash --norc --posix', 'busybox sh'];

test('through symbolic links it finds the files beside itself, whatever shell runs it', async () => {
  await requireLabCommands(['busybox']);
  await using payload = await Payload.create(REPORT);
  const { folder } = payload;
  const real = basename(folder);
  const [outer, inner] = [join(folder, 'outer'), join(folder, 'outer/in ner')];
  await mkdir(inner, { recursive: true });
  const links = [
    ['absolute', join(folder, 'flashfreeze')],
    ['outer/relative', '../flashfreeze'],
    ['outer/in ner/dots', `../../../${real}/flashfreeze`],
    // Below it, ".." leads to outer, not to the folder that the link lies in.
    ['folder', 'outer/in ner'],
    ['outer/in ner/current', `../../../${real}`],
    ['outer/in ner/through', 'current/flashfreeze'],
    ['outer/chain', 'in ner/through'],
    ['chain', 'outer/chain'],
    ['line\nbreak\n', 'flashfreeze'],
    ['breaks', 'line\nbreak\n'],
  ] as const;
  for (const [path, target] of links) {
    await symlink(target, join(folder, path));
  }
  const names = ['absolute', 'outer/relative', 'outer/in ner/dots', 'folder/dots', 'chain'];
  for (const shell of SHELLS) {
    for (const name of [...names, 'folder/through', 'breaks']) {
      for (const [path, cwd] of [
        [join(folder, name), '/'],
        [name, folder],
        [basename(name), join(folder, dirname(name))],
      ] as const) {
        const { stdout, stderr } = await payload.run(`${shell} "${path}" x`, cwd);
        assert.is(stdout.split('\n')[0], join(folder, 'node'), `${shell} ${path}: ${stderr}`);
      }
    }
  }
  const { stdout } = await payload.run('chain x', outer, { PATH: `/usr/bin:/bin:${outer}` });
  assert.is(stdout.split('\n')[0], join(folder, 'node'));
});

test('a cycle of symbolic links, and a machine without readlink, end with a reason', async () => {
  await using payload = await Payload.create(REPORT);
  const { folder } = payload;
  await symlink('two', join(folder, 'one'));
  await symlink('one', join(folder, 'two'));
  await symlink('flashfreeze', join(folder, 'link'));
  // No shell opens a cycle; this one runs the script with such a name, as if the links had been changed meanwhile.
  const sourced = (name: string): string => `sh -c '. "$1"' "${folder}/${name}" ./flashfreeze`;
  for (const shell of SHELLS) {
    const command = `${shell} -c '. "$1"' "${folder}/one" "${folder}/flashfreeze"`;
    const { code, stdout, stderr } = await payload.run(command);
    assert.equal({ code, stdout }, { code: 2, stdout: '' }, `${shell}: ${stderr}`);
    assert.match(stderr, /cannot follow the symbolic link .*\(FF_ENVIRONMENT_INVALID\)/s);
  }
  await symlink('/bin/sh', join(folder, 'sh'));
  const { code, stderr } = await payload.run(sourced('link'), folder, { PATH: folder });
  assert.is(code, 2);
  assert.match(stderr, 'FF_ENVIRONMENT_INVALID');
});

test('options that others set for their Node.js are dropped', async () => {
  await using payload = await Payload.create(REPORT);
  const { stdout } = await payload.run(`"${payload.folder}/flashfreeze"`, '/', {
    NODE_OPTIONS: '--inspect',
  });
  assert.match(stdout, /^none$/m);
});

test('a runtime that cannot run fails install with 51 and a reason', async () => {
  await using payload = await Payload.create(BROKEN);
  const { code, stderr } = await payload.run(`"${payload.folder}/flashfreeze" extension install`);
  assert.is(code, 51);
  assert.match(stderr, 'GLIBC_2.28 not found');
  assert.match(stderr, 'noexec');
  assert.match(stderr, `glibc ${OLDEST_GLIBC} or later`);
  assert.match(stderr, `${TOO_OLD_DISTRIBUTIONS} have an older glibc`);
  assert.match(stderr, 'leave the extension on them that flashfreeze would replace');
});

test('the pages name the distributions that the script names', async () => {
  const [migrate, readme] = await Promise.all(
    ['src/docs/migrate.md', 'README.md'].map((path) =>
      readFile(join(import.meta.dirname, '../..', path), 'utf8'),
    ),
  );
  for (const name of TOO_OLD_DISTRIBUTIONS.replace(' and older', '').split(', ')) {
    assert.match(migrate ?? '', name);
  }
  for (const name of [
    'RHEL 7',
    'SLES 12',
    'Ubuntu 18.04',
    'migrate.md#distributions-that-cannot-switch',
  ]) {
    assert.match(readme ?? '', name);
  }
});

test('a runtime that cannot run keeps nobody from removing the extension', async () => {
  await using payload = await Payload.create(BROKEN);
  for (const command of ['disable', 'uninstall']) {
    const { code, stderr } = await payload.run(
      `"${payload.folder}/flashfreeze" extension ${command}`,
    );
    assert.is(code, 0, command);
    assert.match(stderr, 'cannot run here');
  }
});

test('a runtime that cannot run fails enable and update', async () => {
  await using payload = await Payload.create(BROKEN);
  for (const command of ['enable', 'update']) {
    assert.is.not(
      (await payload.run(`"${payload.folder}/flashfreeze" extension ${command}`)).code,
      0,
    );
  }
});

test('a runtime that may not be executed is told like one that cannot run', async () => {
  await using payload = await Payload.create(REPORT);
  await chmod(join(payload.folder, 'node'), 0o644);
  const { code, stderr } = await payload.run(`"${payload.folder}/flashfreeze" extension install`);
  assert.is(code, 51);
  assert.match(stderr, /permission denied/i);
});

test('it needs no more than a POSIX shell', async () => {
  await using payload = await Payload.create(REPORT);
  await symlink('/bin/sh', join(payload.folder, 'sh'));
  const { code, stderr } = await payload.run(`"${payload.folder}/flashfreeze" x`, '/', {
    PATH: payload.folder,
  });
  assert.is(code, 7, stderr);
});

test.run();
