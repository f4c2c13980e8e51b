import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseWorkload } from '../../src/config/workload.ts';
import { putWorkloadTemplate, WORKLOAD_TEMPLATE } from '../../src/config/workload-template.ts';
import { suite } from '../suite.ts';

const test = suite('template of workload.conf');

test('it names no workload, and has every key that Azure documents', () => {
  assert.is(parseWorkload(WORKLOAD_TEMPLATE, '/w'), undefined);
  const keys = [...WORKLOAD_TEMPLATE.matchAll(/^(\w+) =/gm)].map(([, key]) => key);
  assert.equal(keys, [
    'workload_name',
    'command_path',
    'credString',
    'ipc_folder',
    'timeout',
    'linux_user',
  ]);
});

test('it is put where the file is missing, and no file or link that is there is changed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flashfreeze-template-'));
  try {
    const path = join(directory, 'azure', 'workload.conf');
    assert.is(putWorkloadTemplate(path), undefined);
    assert.is(await readFile(path, 'utf8'), WORKLOAD_TEMPLATE);
    assert.is((await stat(path)).mode & 0o777, 0o600);
    await writeFile(path, 'own');
    await chmod(path, 0o744);
    assert.is(putWorkloadTemplate(path), undefined);
    assert.is(await readFile(path, 'utf8'), 'own');
    assert.is((await stat(path)).mode & 0o777, 0o744);
    const link = join(directory, 'azure', 'link.conf');
    await symlink(join(directory, 'elsewhere'), link);
    assert.is(putWorkloadTemplate(link), undefined);
    assert.not.ok(await stat(join(directory, 'elsewhere')).catch(() => undefined));
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a directory that others may write to is named, and nothing fails', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flashfreeze-template-'));
  try {
    await chmod(directory, 0o777);
    assert.match(
      putWorkloadTemplate(join(directory, 'workload.conf')) ?? '',
      /EACCES.*only needed/,
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});

test.run();
