import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { isCommandInstalled } from '../../src/setup/is-installed.ts';
import { suite } from '../suite.ts';

const test = suite('whether the command is installed');

test('by its record, its link, or its schedule', async () => {
  const paths = [
    '/opt/flashfreeze/setup.json',
    '/usr/local/sbin/flashfreeze',
    '/usr/sbin/flashfreeze',
    '/etc/systemd/system/flashfreeze-snapshot.timer',
    '/etc/cron.d/flashfreeze',
  ];
  for (const path of paths) {
    const root = await mkdtemp(join(tmpdir(), 'flashfreeze-root-'));
    try {
      assert.is(isCommandInstalled(root), false);
      await mkdir(dirname(join(root, path)), { recursive: true });
      assert.is(isCommandInstalled(root), false, 'other programs use the folder, too');
      await writeFile(join(root, path), '');
      assert.is(isCommandInstalled(root), true, path);
    } finally {
      await rm(root, { recursive: true });
    }
  }
});

test.run();
