import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { SafeDirectory } from '../../src/system/safe-directory.ts';
import { suite } from '../suite.ts';

const test = suite('directories that only root can change');

const MODULE = fileURLToPath(new URL('../../src/system/safe-directory.ts', import.meta.url));

/** Opens directories in a mount namespace of its own, after these shell commands; `ok` or the errno for each. */
async function openedAfter(setUp: string, paths: readonly string[]): Promise<unknown> {
  const program = `
    const { SafeDirectory } = await import(${JSON.stringify(MODULE)});
    const { systemCallFailure } = await import(${JSON.stringify(join(MODULE, '../native.ts'))});
    console.log(JSON.stringify(${JSON.stringify(paths)}.map((path) => {
      try {
        SafeDirectory.open(path)[Symbol.dispose]();
        return 'ok';
      } catch (error) {
        return systemCallFailure(error).errno;
      }
    })));`;
  const shell = `${setUp} && exec "$0" --input-type=module --eval "$1"`;
  const { stdout } = await promisify(execFile)('unshare', [
    ...['--mount', '--propagation', 'private', 'sh', '-ec', shell, process.execPath, program],
  ]);
  return JSON.parse(stdout);
}

test('below /var/log, which a group may write to as on Ubuntu, only what root made is opened', async () => {
  const setUp = [
    'mount -t tmpfs -o mode=0775,gid=4 none /var/log',
    'mkdir /var/log/of-group /var/log/of-root /var/log/of-root/runs',
    'chown 1:4 /var/log/of-group',
    'ln -s of-root /var/log/link',
    'mkdir -m 0770 /var/log/group-writes',
    'chgrp 4 /var/log/group-writes',
  ].join(' && ');
  const paths = ['of-root/runs', 'new/runs', 'of-group/runs', 'link/runs', 'group-writes/runs'];
  assert.equal(
    await openedAfter(
      setUp,
      paths.map((it) => `/var/log/${it}`),
    ),
    ['ok', 'ok', 'EACCES', 'ELOOP', 'EACCES'],
  );
});

test('/var/log may be a link to another disk', async () => {
  const setUp = [
    'mount -t tmpfs none /mnt',
    'mkdir -p /mnt/var/log /mnt/logs',
    'rmdir /mnt/var/log',
    'ln -s /mnt/logs /mnt/var/log',
    'mount --bind /mnt/var /var',
  ].join(' && ');
  assert.equal(await openedAfter(setUp, ['/var/log/flashfreeze/runs']), ['ok']);
});

test('a path elsewhere that a group may write to is not opened', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-safe-'));
  try {
    await chown(folder, 0, 4);
    await chmod(folder, 0o775);
    assert.throws(() => SafeDirectory.open(join(folder, 'runs')));
    await chmod(folder, 0o755);
    assert.throws(() => SafeDirectory.open(join(folder, 'runs'), { make: false }));
    assert.equal(await readdir(folder), [], 'nothing is made if it is only to be read');
    SafeDirectory.open(join(folder, 'runs'))[Symbol.dispose]();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
