import assert from 'node:assert/strict';
import { disksWithoutBlob } from '../../src/backup/disks-without-blob.ts';
import { wantedLuns } from '../../src/extension/snapshot-method/take.ts';
import type { Disk, Plan } from '../../src/filesystems/model.ts';
import { taskSettings } from '../extension/snapshot-method/task-settings.ts';
import { suite } from '../suite.ts';

const test = suite('frozen disks without a blob');

const DISKS: readonly Disk[] = [
  { name: 'sda', path: '/dev/sda', lun: undefined, role: 'os', sizeBytes: 1 },
  { name: 'sdb', path: '/dev/sdb', lun: undefined, role: 'temporary', sizeBytes: 1 },
  { name: 'sdc', path: '/dev/sdc', lun: 0, role: 'data', sizeBytes: 1 },
  { name: 'sdd', path: '/dev/sdd', lun: 1, role: 'data', sizeBytes: 1 },
  { name: 'loop0', path: '/dev/loop0', lun: undefined, sizeBytes: 1 },
];

/** A machine of these disks, in which a file system lies on each of the groups. */
function planOf(...groups: readonly (readonly string[])[]): Plan {
  return {
    fileSystems: groups.map((disks, index) => ({
      device: `8:${index}`,
      type: 'ext4',
      source: '/dev/x',
      mountPoint: `/data/${index}`,
      mountPoints: [`/data/${index}`],
      disks,
      imageOn: undefined,
    })),
    waves: [groups.map((_, index) => index)],
    thawsAfter: groups.map(() => []),
    disks: DISKS.filter(({ name }) => groups.flat().includes(name)),
    otherDisks: DISKS.filter(({ name }) => !groups.flat().includes(name)),
    excluded: [],
  };
}

const matchesOf = (...disks: readonly string[]) => disks.map((disk, blob) => ({ blob, disk }));
const UNMATCHED = [{ blob: 7, reason: { kind: 'blank' } }] as const;

/** The devices that are named. */
const namedIn = (sentences: readonly string[]): string[] =>
  sentences.flatMap((sentence) => sentence.match(/\/dev\/\w+/g) ?? []);

test('a frozen disk whose blob is missing is named; what is not frozen is not', () => {
  const plan = planOf(['sda'], ['sdc']);
  const sentences = disksWithoutBlob(plan, { matches: matchesOf('sda'), unmatched: [] });
  assert.match(
    sentences.join(),
    /^\/dev\/sdc is frozen, but none of the blobs given is its: no snap/,
  );
  assert.deepEqual(namedIn(sentences), ['/dev/sdc']);
  assert.deepEqual(disksWithoutBlob(plan, { matches: matchesOf('sda', 'sdc'), unmatched: [] }), []);
});

test('one of several disks under a file system is missed as well', () => {
  const plan = planOf(['sdc', 'sdd']);
  assert.deepEqual(namedIn(disksWithoutBlob(plan, { matches: matchesOf('sdc'), unmatched: [] })), [
    '/dev/sdd',
  ]);
});

test('a temporary disk is not missed, nor a loop device beside the disk that holds its image', () => {
  const plan = planOf(['sda', 'sdb'], ['loop0', 'sda']);
  assert.deepEqual(disksWithoutBlob(plan, { matches: matchesOf('sda'), unmatched: [] }), []);
  const alone = planOf(['loop0'], ['sda']);
  assert.deepEqual(namedIn(disksWithoutBlob(alone, { matches: matchesOf('sda'), unmatched: [] })), [
    '/dev/loop0',
  ]);
});

test('a blob of an unknown disk may be one that is missed', () => {
  const plan = planOf(['sda'], ['sdc'], ['sdd']);
  const none = disksWithoutBlob(plan, { matches: matchesOf('sda', 'sdc'), unmatched: UNMATCHED });
  assert.deepEqual(none, []);
  const sentences = disksWithoutBlob(plan, { matches: matchesOf('sda'), unmatched: UNMATCHED });
  assert.equal(sentences.length, 1);
  assert.match(sentences.join(), /^\/dev\/sdc, \/dev\/sdd are frozen, .* of 1 of them at most/);
});

test('where the task says which disks it wants, only those are missed', () => {
  const plan = planOf(['sda'], ['sdc'], ['sdd']);
  const missed = (settings: Parameters<typeof taskSettings>[0]): string[] =>
    namedIn(
      disksWithoutBlob(
        plan,
        { matches: matchesOf('sdc'), unmatched: [] },
        wantedLuns(taskSettings(settings)),
      ),
    );
  assert.deepEqual(missed({}), ['/dev/sda', '/dev/sdd']);
  assert.deepEqual(missed({ includedDisks: { luns: [0, 1] } }), ['/dev/sdd']);
  assert.deepEqual(missed({ includedDisks: { luns: [-1, 0] } }), ['/dev/sda']);
  assert.deepEqual(missed({ includedDisks: { isAnyDiskExcluded: true } }), []);
  assert.deepEqual(missed({ custom: { isOnlyOsDiskBackupEnabled: true } }), []);
});

test.run();
