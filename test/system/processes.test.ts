import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseMountinfo } from '../../src/system/mountinfo.ts';
import { theseProcesses } from '../../src/system/processes.ts';
import { suite } from '../suite.ts';

const test = suite('processes');

test('a mount of another namespace whose mount point is no UTF-8 is not passed over', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'processes-'));
  const file = join(directory, 'mountinfo');
  writeFileSync(file, Buffer.from('2 0 8:2 / /\xff rw - ext4 x rw\n', 'latin1'));
  const text = await theseProcesses.read(file);
  rmSync(directory, { recursive: true });
  const { mounts, skipped } = parseMountinfo(text ?? '');
  assert.equal(skipped, []);
  assert.equal(
    mounts.map(({ mountPoint }) => mountPoint),
    ['/\\xff'],
  );
  assert.is(await theseProcesses.read(file), undefined);
});

test.run();
