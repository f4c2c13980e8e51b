import assert from 'node:assert/strict';
import type { Behind } from '../../../src/backup/whole-set/behind.ts';
import { describeGap, isFault, type SetGap } from '../../../src/backup/whole-set/describe-gap.ts';
import { gapOfHost, gapsOf, type SetWishes } from '../../../src/backup/whole-set/find-gaps.ts';
import { wantedLuns } from '../../../src/extension/snapshot-method/take-snapshots.ts';
import type { Exclusion, Plan } from '../../../src/filesystems/plan-types.ts';
import { taskSettings } from '../../extension/snapshot-method/task-settings.ts';
import { suite } from '../../suite.ts';
import { planOf } from './plan-of.ts';

const test = suite('whole set');

function excluding(plan: Plan, changes: Partial<Exclusion>): Plan {
  const excluded: Exclusion = {
    device: '9:9',
    type: 'ext4',
    mountPoint: '/left',
    reason: 'skipped',
    disks: ['sde'],
    isWritable: true,
    ...changes,
  };
  return { ...plan, excluded: [excluded] };
}

const disk = (name: string): Behind => ({ kind: 'disk', disk: name });
const oneOf = (...disks: string[]): Behind => ({ kind: 'one-of', disks });
const WISHES: SetWishes = { isPartial: false, includedLuns: undefined, toleratesForeign: false };

function gaps(
  plan: Plan,
  behind: readonly Behind[],
  wishes: Partial<SetWishes> = {},
  after?: Parameters<typeof gapsOf>[3],
): SetGap[] {
  const targets = behind.map((it, index) => ({ name: `blob${index}`, behind: it }));
  return gapsOf(plan, targets, { ...WISHES, ...wishes }, after);
}

const kinds = (found: readonly SetGap[]): string[] => found.map(({ kind }) => kind);
const said = (found: readonly SetGap[]): string => found.map(describeGap).join(' ');

test('a set of every frozen disk has no gap', () => {
  assert.deepEqual(gaps(planOf(['sda'], ['sdc', 'sdd']), ['sda', 'sdc', 'sdd'].map(disk)), []);
});

test('a frozen disk without a blob is missing, by name and with what is on it', () => {
  const found = gaps(planOf(['sda'], ['sdc']), [disk('sda')]);
  assert.deepEqual(kinds(found), ['missing-disks']);
  assert.match(
    said(found),
    /^Incomplete: snapshots of 1 of 2 frozen disks .* no blob .* \/dev\/sdc \(\/data\/1\)/,
  );
  assert.ok(found.every(isFault));
});

test('--partial accepts a missing disk and says so', () => {
  const found = gaps(planOf(['sda'], ['sdc']), [disk('sda')], { isPartial: true });
  assert.ok(!found.some(isFault));
  assert.match(said(found), /1 of 2 frozen disks are taken, as requested/);
});

test('half of a file system is a fault, whatever left the other half out', () => {
  const plan = planOf(['sda'], ['sdc', 'sdd']);
  for (const wishes of [{}, { isPartial: true }, { isPartial: true, includedLuns: [-1, 0] }]) {
    const half = gaps(plan, [disk('sda'), disk('sdc')], wishes).filter(isFault);
    assert.ok(kinds(half).includes('half'), JSON.stringify(wishes));
    assert.match(said(half), /\/data\/1 lies on \/dev\/sdc, \/dev\/sdd, but .* of \/dev\/sdd/);
  }
});

test('half of a file system whose other half lies on a disk that is not found', () => {
  const found = gaps(planOf(['sdc', '/dev/disk/by-id/gone']), [disk('sdc')]);
  assert.ok(kinds(found).includes('half'));
  assert.match(said(found), /of \/dev\/disk\/by-id\/gone: the file system cannot be restored/);
});

test('a disk is named by its node, whatever the kernel puts for a slash', () => {
  const plan = excluding(planOf(['sda']), { disks: ['cciss!c0d0'] });
  const found = gaps(plan, [disk('sda'), disk('cciss!c0d0')]);
  assert.deepEqual(
    found.map((gap) => gap.kind === 'left-out' && gap.disk),
    ['/dev/cciss/c0d0'],
  );
});

test('a file system that is left out as a whole is not half', () => {
  const found = gaps(planOf(['sda'], ['sdc', 'sdd']), [disk('sda')], { isPartial: true });
  assert.deepEqual(found.filter(isFault), []);
});

test('a blob of an unknown disk counts as what it can be', () => {
  const plan = planOf(['sda'], ['sdc']);
  assert.deepEqual(gaps(plan, [disk('sda'), oneOf('sdc', 'sde')]), []);
  // A blank disk's blob does not stand for the one that is forgotten.
  assert.deepEqual(kinds(gaps(plan, [disk('sda'), oneOf('sde')])), ['missing-disks']);
  assert.deepEqual(kinds(gaps(plan, [disk('sda'), oneOf()])), ['missing-disks', 'surplus']);
});

test('one blob of an unknown disk stands for one disk only', () => {
  const found = gaps(planOf(['sda'], ['sdc'], ['sdd']), [disk('sda'), oneOf('sdc', 'sdd')]);
  assert.match(
    said(found),
    /2 of 3 frozen disks .* can belong to at most 1 of \/dev\/sdc .*\/dev\/sdd /,
  );
});

test('blobs of unknown disks are assigned so that they cover as many disks as possible', () => {
  const plan = planOf(['sdc'], ['sdd'], ['sde']);
  assert.deepEqual(gaps(plan, [oneOf('sdc', 'sdd', 'sde'), oneOf('sdc'), oneOf('sdc', 'sdd')]), []);
});

test('a temporary disk is not missed, nor a loop device beside the disk that holds its image', () => {
  const plan = planOf(['sda'], ['sdb'], ['loop0', 'sda']);
  assert.deepEqual(gaps(plan, [disk('sda')]), []);
  assert.deepEqual(kinds(gaps(planOf(['loop0'], ['sda']), [disk('sda')])), ['missing-disks']);
});

test('if the task lists the requested disks, only those can be missing', () => {
  const plan = planOf(['sda'], ['sdc'], ['sdd']);
  const missed = (settings: Parameters<typeof taskSettings>[0]): string =>
    said(gaps(plan, [disk('sdc')], { includedLuns: wantedLuns(taskSettings(settings)) }));
  assert.match(missed({ includedDisks: { luns: [0, 1] } }), /no blob is given for \/dev\/sdd/);
  assert.equal(missed({ includedDisks: { luns: [0] } }), '');
  assert.match(missed({ includedDisks: { luns: [-1, 0] } }), /\/dev\/sda/);
  assert.match(missed({}), /\/dev\/sda .*\/dev\/sdd/);
});

test('a writable file system that was left out on a snapshotted disk is named with the reason', () => {
  const plan = planOf(['sda']);
  const reasons = ['skipped', 'not-selected', 'hidden', 'other-namespace', 'no-mount'] as const;
  for (const reason of reasons) {
    const found = gaps(excluding(plan, { reason }), [disk('sda'), disk('sde')]);
    assert.deepEqual(kinds(found), ['left-out'], reason);
    assert.match(
      said(found),
      /^\/dev\/sde carries \/left \(ext4\), which was not frozen because it/,
    );
  }
});

test('a file system that is not on a disk of the set, read-only, or not freezable is not a gap', () => {
  const plan = planOf(['sda']);
  assert.deepEqual(gaps(excluding(plan, {}), [disk('sda')]), []);
  assert.deepEqual(gaps(excluding(plan, { isWritable: false }), [disk('sda'), disk('sde')]), []);
  const vfat = { reason: 'not-freezable', type: 'vfat', disks: ['sda'] } as const;
  assert.deepEqual(gaps(excluding(plan, vfat), [disk('sda')]), []);
});

test('a file system that is not frozen, but has only some of its disks in the set, cannot be restored', () => {
  const plan = planOf(['sda']);
  const sets = [['sda', 'sdc'], ['sda'], ['sda', 'sdc', 'sdd']];
  for (const reason of ['read-only', 'not-freezable'] as const) {
    const both = excluding(plan, {
      reason,
      disks: ['sdc', 'sdd'],
      isWritable: reason !== 'read-only',
    });
    const found = sets.map((set) => kinds(gaps(both, set.map(disk))));
    assert.deepEqual(found, [['half'], [], []], reason);
    assert.match(said(gaps(both, ['sda', 'sdc'].map(disk))), /^\/left lies on .* of \/dev\/sdd:/);
    assert.deepEqual(gaps(both, [disk('sda'), disk('sdc'), oneOf('sdd')]), []);
  }
  // That is the remedy.
  const skipped = excluding(plan, { disks: ['sdc', 'sdd'], isWritable: false });
  assert.deepEqual(gaps(skipped, ['sda', 'sdc'].map(disk)), []);
});

test('what is left out without a known disk may lie on any', () => {
  const plan = excluding(planOf(['sda']), { reason: 'no-block-device', disks: [] });
  assert.match(said(gaps(plan, [disk('sda')])), /^An unknown disk carries \/left/);
});

test('what is left out on a disk whose place is not shown may lie on any disk, unless that has a blob of its own', () => {
  const plan = excluding(planOf(['sda']), { disks: ['zd0'] });
  const beside = (name: string): Plan => ({
    ...plan,
    otherDisks: [
      { ...{ name, path: `/dev/${name}`, lun: undefined, sizeBytes: 1 }, isElsewhere: true },
    ],
    excluded: plan.excluded.map((it) => ({ ...it, disks: [name] })),
  });
  assert.match(said(gaps(beside('zd0'), [disk('sda')])), /^An unknown disk carries \/left/);
  assert.match(said(gaps(beside('zd0'), ['sda', 'zd0'].map(disk))), /^\/dev\/zd0 carries \/left/);
  for (const network of ['nbd0', 'rbd1', 'drbd2']) {
    assert.deepEqual(gaps(beside(network), [disk('sda')]), [], network);
  }
  const image = excluding(planOf(['sda']), { disks: ['loop9', 'sde'], elsewhere: ['loop9'] });
  assert.match(said(gaps(image, [disk('sda')])), /^An unknown disk carries \/left/);
  const since = { ...planOf(['sda'], ['zd0']), excluded: plan.excluded };
  const before = { ...beside('zd0'), excluded: [] };
  assert.match(said(gaps(before, [disk('sda')], {}, since)), /^An unknown disk carries \/data\/1/);
});

test('if not every mount namespace was looked into, something may be left out on any disk', () => {
  const plan: Plan = { ...planOf(['sda']), missesNamespaces: true };
  const found = gaps(plan, [disk('sda')], { isPartial: true, toleratesForeign: true });
  assert.deepEqual(kinds(found), ['unseen']);
  assert.ok(found.every(isFault));
  assert.match(said(found), /^There was not time enough .* may lie on any disk/);
});

test('if what is mounted could not be read after the thaw, something may be left out on any disk', () => {
  const wishes = { isPartial: true, toleratesForeign: true };
  const found = gaps(planOf(['sda']), [disk('sda')], wishes, { error: 'EMFILE' });
  assert.deepEqual(kinds(found), ['not-read']);
  assert.ok(found.every(isFault));
  assert.match(
    said(found),
    /^What is mounted could not be read after the thaw \(EMFILE\): .* any disk/,
  );
});

test('a blob of an unknown disk that something frozen needs carries what was left out on that disk, too', () => {
  const plan = excluding(planOf(['sda'], ['sde']), {});
  assert.deepEqual(kinds(gaps(plan, [disk('sda'), oneOf('sde')])), ['left-out']);
  assert.deepEqual(kinds(gaps(plan, [oneOf('sda', 'sde'), oneOf('sda', 'sde')])), ['left-out']);
  const elsewhere = excluding(planOf(['sda'], ['sdc']), {});
  assert.deepEqual(gaps(elsewhere, [disk('sda'), oneOf('sdc', 'sde')]), []);
});

test('a blob of an unknown disk that nothing frozen needs may be that of what was left out', () => {
  const plan = excluding(planOf(['sda']), {});
  assert.deepEqual(kinds(gaps(plan, [disk('sda'), oneOf('sde')])), ['left-out']);
  assert.deepEqual(gaps(plan, [oneOf('sda', 'sde')]), []);
});

test('a foreign blob is a fault unless the caller accepts it', () => {
  const plan = planOf(['sda']);
  const members: Behind[] = [disk('sda'), { kind: 'foreign' }];
  assert.deepEqual(gaps(plan, members).map(isFault), [true]);
  assert.deepEqual(gaps(plan, members, { toleratesForeign: true }).map(isFault), [false]);
});

test('more blobs of unknown disks than disks that they can be are a fault that names them, unless the caller accepts it', () => {
  const plan = planOf(['sda'], ['sdc']);
  const twins = [disk('sdc'), oneOf('sda'), oneOf('sda')];
  const found = gaps(plan, twins);
  assert.deepEqual(found, [
    { kind: 'surplus', blobs: ['blob1', 'blob2'], disks: ['/dev/sda'], isTolerated: false },
  ]);
  assert.deepEqual(found.map(isFault), [true]);
  assert.match(
    said(found),
    /^blob1, blob2 are 2 blobs, but .* only be \/dev\/sda: at least 1 of them is of no disk of this machine/,
  );
  assert.deepEqual(gaps(plan, twins, { toleratesForeign: true }).map(isFault), [false]);
  assert.deepEqual(gaps(plan, twins, { toleratesForeign: true, isManaged: true }), []);
});

test('a blob of an unknown disk is surplus if what it can be has a blob of its own, or nothing', () => {
  const plan = planOf(['sda'], ['sdc']);
  const both = ['sda', 'sdc'].map(disk);
  for (const behind of [oneOf(), oneOf('sdc')]) {
    const found = gaps(plan, [...both, behind]);
    assert.deepEqual(kinds(found), ['surplus']);
    assert.match(said(found), /^blob2 can be none of this machine's disks/);
  }
  assert.deepEqual(gaps(plan, [...both, oneOf('sdd', 'sde'), oneOf('sdd')]), []);
});

test('only those blobs are called surplus that could be the one too many, group by group', () => {
  const plan = planOf(['sda'], ['sdc'], ['sdd'], ['sde']);
  const members = [
    ...[oneOf('sda', 'sdc'), oneOf('sdc'), oneOf('sda')],
    ...[oneOf('sdd', 'sde'), oneOf(), oneOf('sdd', 'sde')],
  ];
  const groups = gaps(plan, members).map((gap) => gap.kind === 'surplus' && gap.blobs);
  assert.deepEqual(groups, [['blob0', 'blob1', 'blob2'], ['blob4']]);
  // Of the first three one has to give way to the last.
  const chained = [oneOf('sdc'), oneOf('sdc'), oneOf('sdc', 'sdd'), oneOf('sdd')];
  const found = gaps(planOf(['sdc'], ['sdd']), chained);
  assert.deepEqual(
    found.map((gap) => gap.kind === 'surplus' && [gap.blobs.length, gap.disks.length]),
    [[4, 2]],
  );
});

test('a foreign blob is told with what speaks against its disk', () => {
  const because = 'it looks like sda, but the sizes differ';
  const found = gaps(planOf(['sda']), [disk('sda'), { kind: 'foreign', because }]);
  assert.match(
    said(found),
    /^blob1 can be none .* \(it looks like sda, but the sizes differ\): its snapshot does not belong/,
  );
});

test('gaps of managed disks do not speak of blobs, and one without a device is told by the matching alone', () => {
  const managed = { isManaged: true, toleratesForeign: true } as const;
  const torn = gaps(planOf(['sda'], ['sdc', 'sdd']), [disk('sdc')], managed);
  assert.deepEqual(kinds(torn), ['missing-disks', 'half']);
  assert.doesNotMatch(said(torn), /blob/);
  const members: Behind[] = [disk('sda'), { kind: 'foreign' }];
  assert.deepEqual(gaps(planOf(['sda']), members, managed), []);
});

test('what was mounted after the plan was made counts as left out', () => {
  const plan = planOf(['sda']);
  const after = planOf(['sda'], ['sdc']);
  assert.match(
    said(gaps(plan, [disk('sda'), disk('sdc')], {}, after)),
    /^\/dev\/sdc carries \/data\/1 \(ext4\), which was not frozen because it was mounted after/,
  );
  assert.deepEqual(gaps(plan, [disk('sda')], {}, after), []);
});

test('what was read-only when the plan was made and is writable now counts as left out', () => {
  const readOnly = excluding(planOf(['sda']), { reason: 'read-only', isWritable: false });
  const after = excluding(planOf(['sda']), { reason: 'skipped' });
  assert.deepEqual(kinds(gaps(readOnly, [disk('sda'), disk('sde')], {}, after)), ['left-out']);
});

test('a file system that was moved to other disks makes the set worthless', () => {
  const found = gaps(
    planOf(['sda'], ['sdc']),
    ['sda', 'sdc'].map(disk),
    {},
    planOf(['sda'], ['sdc', 'sdd']),
  );
  assert.deepEqual(kinds(found), ['moved']);
});

test('a file system that was unmounted after the thaw is not a gap', () => {
  assert.deepEqual(
    gaps(planOf(['sda'], ['sdc']), ['sda', 'sdc'].map(disk), {}, planOf(['sda'])),
    [],
  );
});

test('neither a command nor a run without a freeze has a set', () => {
  assert.deepEqual(gaps(planOf(['sda']), [{ kind: 'command' }]), []);
  assert.deepEqual(gaps(planOf(), [disk('sda')]), []);
});

test('a host that answers for fewer disks than the VM has is a gap', () => {
  const plan = planOf(['sda'], ['sdc'], ['sdd']);
  const host = [
    { name: 'host', behind: { kind: 'all-of', disks: ['sda', 'sdc', 'sdd'] } as const },
  ];
  const answers = (count: number) => Array.from({ length: count }, () => ({ snapshot: 'taken' }));
  assert.deepEqual(kinds(gapOfHost(plan, host, answers(1), undefined)), ['host-answers']);
  // sde is attached without a file system.
  assert.deepEqual(gapOfHost(plan, host, answers(4), undefined), []);
  assert.deepEqual(gapOfHost(plan, host, answers(2), [0, 1]), []);
  assert.deepEqual(gapOfHost(plan, host, answers(1), []), []);
  const wide = planOf(['sda'], ['sdc', 'sdd']);
  assert.deepEqual(kinds(gapOfHost(wide, host, answers(3), [])), ['host-answers']);
  assert.deepEqual(gapOfHost(wide, host, answers(4), []), []);
  assert.deepEqual(gapOfHost(plan, host, [{ snapshot: undefined }], undefined), []);
});

test.run();
