import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { VM_BACKUP_CONFIGURATION_PATH } from '../../src/config/vmbackup.ts';
import type { DoctorReport } from '../../src/doctor/doctor-types.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { doctorReportSchema } from '../../src/report/schemas/doctor-report.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['strace'] });

const test = suite('flashfreeze doctor');

async function reportOf(
  args: readonly string[],
): Promise<DoctorReport & { exitCode: number | null }> {
  const ended = await flashfreeze(['doctor', '--json', ...args]);
  return { ...v.parse(doctorReportSchema, JSON.parse(ended.stdout)), exitCode: ended.exitCode };
}

function statusOf({ checks }: DoctorReport, id: string): string | undefined {
  return checks.find((it) => it.id === id)?.status;
}

test('looks at the machine and the blobs, says it with signs, and freezes nothing', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const log = '/lab/doctor.log';
  const under = ['strace', '-f', '-qq', '-e', 'trace=ioctl', '-e', 'signal=none', '-o', log];
  const ended = await flashfreeze(['doctor', ...rig.blobArguments], { under });
  assert.is(ended.exitCode, 0, ended.stdout);
  assert.match(ended.stdout, '✓ root');
  assert.match(ended.stdout, '2 can be frozen');
  assert.match(ended.stdout, '✓ parts');
  assert.is(ended.stdout.split('✓ blob').length - 1, 2);
  assert.not.match(ended.stdout, 'sig=');
  assert.not.match(await readFile(log, 'utf8'), 'FIFREEZE');
});

test('a SAS that has ended, or may only read, fails and is named', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  for (const url of [
    rig.server.sasUrl('disk0', { expires: new Date(0) }),
    rig.server.sasUrl('disk0', { permissions: 'r' }),
  ]) {
    const report = await reportOf(['--blob', url]);
    assert.is(report.exitCode, 1);
    assert.is(statusOf(report, 'blob'), 'failed');
  }
});

test('a URL that is none fails alone: the other blobs are looked at all the same', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const plain = 'http://acct.blob.core.windows.net/c/b.vhd?sig=verysecret';
  const report = await reportOf(['--blob', plain, ...rig.blobArguments]);
  const blobs = report.checks.filter(({ id }) => id === 'blob');
  assert.equal(
    blobs.map(({ status }) => status),
    ['failed', 'ok'],
  );
  assert.match(blobs[0]?.finding ?? '', 'plain http');
  assert.not.match(JSON.stringify(report), 'verysecret');
});

test('a misspelt key of the configuration fails with the right one named', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  await mkdir(dirname(VM_BACKUP_CONFIGURATION_PATH), { recursive: true });
  await writeFile(VM_BACKUP_CONFIGURATION_PATH, '[Flashfreeze]\nfier = early\n');
  const report = await reportOf([]);
  await writeFile(VM_BACKUP_CONFIGURATION_PATH, '');
  assert.is(report.exitCode, 1);
  const problem = report.checks.find(({ id }) => id === 'configuration');
  assert.match(problem?.finding ?? '', 'fire');
});

test('a file for the container of manifests that others may read is found before a run needs it', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  const file = '/root/manifest-container.txt';
  await writeFile(file, 'https://a.blob.core.windows.net/c?sig=verysecret\n', { mode: 0o644 });
  await mkdir(dirname(VM_BACKUP_CONFIGURATION_PATH), { recursive: true });
  const configuration = `[Flashfreeze]\nmanifestContainerFile = ${file}\n`;
  await writeFile(VM_BACKUP_CONFIGURATION_PATH, configuration);
  const report = await reportOf([]);
  await writeFile(VM_BACKUP_CONFIGURATION_PATH, '');
  const problem = report.checks.find(({ id }) => id === 'configuration');
  assert.is(problem?.status, 'warning');
  assert.match(problem?.finding ?? '', `manifestContainerFile: ${file} has mode 0644`);
  assert.not.match(JSON.stringify(report), 'verysecret');
});

test('with nothing to freeze it says so', async () => {
  const report = await reportOf([]);
  assert.is(statusOf(report, 'file-systems'), 'failed');
});

test.run();
