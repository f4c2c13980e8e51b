import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { type ManifestRun, manifestOf } from '../../src/backup/manifest.ts';
import { judge } from '../../src/backup/outcome.ts';
import type { BackupRecord } from '../../src/backup/record.ts';
import { manifestSchema } from '../../src/report/schemas/manifest.ts';
import type { Manifest } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';
import { failedAnswer, goodRecord, targetRecord } from './fixtures/records.ts';

const test = suite('manifest of a run');

const NAMES = {
  nameOf: () => 'sda2',
  fileSystem: (device: string) => ({ uuid: `uuid of ${device}`, label: undefined }),
  volumesOn: (disk: string) => (disk === 'sdb' ? ['lvm data/pg'] : []),
};
const RUN: ManifestRun = {
  ...{ id: 'r', origin: 'snapshot', host: 'h', vm: null, version: '1' },
  startedAt: '2026-11-22T02:41:50.000Z',
};

function made(record: BackupRecord): Manifest {
  const facts = { run: RUN, names: NAMES, targets: [], preflights: [], outcome: judge(record) };
  return v.parse(manifestSchema, manifestOf(record, facts));
}

function withDisks(record: BackupRecord): BackupRecord {
  const disk = { lun: undefined, sizeBytes: 10 };
  const disks = [
    { ...disk, name: 'sda', path: '/dev/sda', role: 'os' as const },
    { ...disk, name: 'sdb', path: '/dev/sdb', role: 'data' as const, lun: 7 },
  ];
  return { ...record, plan: { ...record.plan, disks } };
}

test('says what the plan says', () => {
  const { disks, fileSystems, barrier, restorable } = made(withDisks(goodRecord(2)));
  assert.is(barrier, '2026-11-22T02:41:52.630Z');
  assert.is(restorable, true);
  assert.equal(
    disks.map(({ position, device, lun, sizeBytes, volumes, showsInstant }) => [
      ...[position, device, lun, sizeBytes, volumes, showsInstant],
    ]),
    [
      [1, '/dev/sda', 'os', 10, [], true],
      [2, '/dev/sdb', 7, 10, ['lvm data/pg'], true],
    ],
  );
  assert.equal(
    fileSystems.map(({ mountPoints, disks: its, uuid, wasFrozen }) => [
      ...[mountPoints, its, uuid, wasFrozen],
    ]),
    [
      [['/data/0'], [1], 'uuid of 8:0', true],
      [['/data/1'], [2], 'uuid of 8:16', true],
    ],
  );
});

test('names what lies on its disks and was not frozen, or may, and nothing of other disks', () => {
  const record = withDisks(goodRecord(1));
  const other = { device: '8:2', type: 'vfat', isWritable: true, reason: 'not-freezable' } as const;
  const excluded = [
    { ...other, mountPoint: '/boot/efi', disks: ['sda'] },
    { ...other, mountPoint: '/mnt', disks: ['sdz'] },
    { ...other, type: 'zfs', mountPoint: '/pool', disks: [] },
    { ...other, type: 'zfs', mountPoint: '/read-only', disks: [], isWritable: false },
    { ...other, type: 'overlay', mountPoint: '/layers', disks: [] },
  ];
  const { fileSystems } = made({ ...record, plan: { ...record.plan, excluded } });
  assert.equal(
    fileSystems.map(({ mountPoints, source, wasFrozen }) => [mountPoints, source, wasFrozen]),
    [
      [['/data/0'], '/dev/sda', true],
      [['/boot/efi'], '/dev/sda2', false],
      [['/pool'], '/dev/sda2', false],
    ],
  );
  // A pool may lie on any disk.
  assert.equal(
    fileSystems.map(({ disks }) => disks),
    [[1], [1], []],
  );
});

test('a run with a refusal is not restorable, and says why', () => {
  const good = withDisks(goodRecord(2));
  const disks = [...good.disks.slice(0, 1), targetRecord(failedAnswer(1))];
  const manifest = made({ ...good, disks });
  assert.is(manifest.restorable, false);
  assert.ok(manifest.problems.length > 0);
  assert.equal(
    manifest.disks.map(({ snapshot }) => snapshot === null),
    [false, true],
  );
});

test('a run that never reached its barrier has frozen nothing', () => {
  const manifest = made(withDisks(goodRecord(1, { barrier: undefined })));
  assert.is(manifest.barrier, null);
  assert.is(manifest.fileSystems[0]?.wasFrozen, false);
});

test.run();
