import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { fileSystemsBehind, scheduleInput } from '../../../src/backup/schedule/topology.ts';
import type { FileSystem, Plan } from '../../../src/filesystems/plan-types.ts';
import { suite } from '../../suite.ts';

const EARLY = { fire: 'early', sequential: false } as const;
const test = suite('schedule topology');

function fileSystem(device: string, disks: readonly string[]): FileSystem {
  const mountPoint = `/${device}`;
  return {
    device,
    type: 'ext4',
    source: '/dev/x',
    mountPoint,
    mountPoints: [mountPoint],
    disks,
    imageOn: undefined,
  };
}

function plan(...fileSystems: FileSystem[]): Plan {
  const indexes = fileSystems.map((_, index) => index);
  const thawsAfter = indexes.map(() => []);
  return { fileSystems, waves: [indexes], thawsAfter, disks: [], excluded: [] };
}

test('a target needs the file systems on its own disk, which await only its answer', () => {
  const input = scheduleInput(
    plan(fileSystem('8:0', ['sda']), fileSystem('8:16', ['sdb'])),
    ['sda', 'sdb'],
    EARLY,
  );
  assert.equal(input.targets, [{ needs: [0] }, { needs: [1] }]);
  assert.equal(
    input.fileSystems.map(({ awaits }) => awaits),
    [[0], [1]],
  );
});

test('a file system over two disks awaits both', () => {
  const input = scheduleInput(plan(fileSystem('0:50', ['sda', 'sdb'])), ['sda', 'sdb'], EARLY);
  assert.equal(input.fileSystems[0]?.awaits, [0, 1]);
});

test('an unmatched target needs everything, and a file system on an unmatched disk awaits all', () => {
  const input = scheduleInput(
    plan(fileSystem('8:0', ['sda']), fileSystem('8:16', ['sdb'])),
    ['sda', undefined],
    EARLY,
  );
  assert.equal(input.targets, [{ needs: [0] }, { needs: [0, 1] }]);
  assert.equal(
    input.fileSystems.map(({ awaits }) => awaits),
    [[0], [0, 1]],
  );
});

test('if every target is matched, no file system waits for a disk without a target', () => {
  const input = scheduleInput(
    plan(fileSystem('8:0', ['sda']), fileSystem('8:16', ['sdb'])),
    ['sda'],
    EARLY,
  );
  assert.equal(input.fileSystems[1]?.awaits, []);
});

test('an unmatched target is judged by the file systems that may lie on it, not by those known to lie elsewhere', () => {
  const both = plan(fileSystem('8:0', ['sda']), fileSystem('8:16', ['sdb']));
  assert.equal(fileSystemsBehind(both, ['sda', undefined], 1), [1]);
  assert.equal(fileSystemsBehind(both, ['sda', undefined], 0), [0]);
  assert.equal(fileSystemsBehind(both, ['sda', 'sdb', undefined], 2), []);
  assert.equal(fileSystemsBehind(both, [undefined], 0), [0, 1]);
});

test('an unmatched target may hold a part of a file system over several disks, and a file system without a known disk', () => {
  const spread = plan(fileSystem('0:50', ['sda', 'sdb']), fileSystem('0:51', []));
  assert.equal(fileSystemsBehind(spread, ['sda', undefined], 1), [0, 1]);
  assert.equal(fileSystemsBehind(spread, ['sda', 'sdb', undefined], 2), [1]);
});

test('whatever a target is judged by stays frozen until its answer', () => {
  const disk = fc.constantFrom('sda', 'sdb', 'sdc', 'sdd');
  const disksOfFileSystems = fc.array(fc.uniqueArray(disk, { maxLength: 3 }), { maxLength: 6 });
  const diskOfTarget = fc.uniqueArray(fc.option(disk, { nil: undefined }), {
    maxLength: 5,
    selector: (it) => it ?? Symbol('unmatched'),
  });
  fc.assert(
    fc.property(disksOfFileSystems, diskOfTarget, (disks, targets) => {
      const drawn = plan(...disks.map((own, index) => fileSystem(`8:${index}`, own)));
      const { fileSystems } = scheduleInput(drawn, targets, EARLY);
      for (const target of targets.keys()) {
        for (const index of fileSystemsBehind(drawn, targets, target)) {
          assert.ok(fileSystems[index]?.awaits.includes(target));
        }
      }
    }),
  );
});

test('a file system whose place is not shown may lie on every target: all need it, it awaits all, and it judges all', () => {
  const drawn = plan(
    ...[fileSystem('8:0', ['sda']), fileSystem('230:0', ['zd0']), fileSystem('8:16', ['sdb'])],
  );
  const zvol = { name: 'zd0', path: '/dev/zd0', lun: undefined, sizeBytes: 1, isElsewhere: true };
  const withZvol = { ...drawn, disks: [zvol] };
  const targets = ['sda', 'sdc', 'sdb'];
  const input = scheduleInput(withZvol, targets, EARLY);
  // sdc carries none of the plan: its snapshot must be taken after the barrier.
  assert.equal(input.targets, [{ needs: [0, 1] }, { needs: [0, 1, 2] }, { needs: [1, 2] }]);
  assert.equal(
    input.fileSystems.map(({ awaits }) => awaits),
    [[0], [0, 1, 2], [2]],
  );
  assert.equal(
    targets.map((_, target) => fileSystemsBehind(withZvol, targets, target)),
    [[0, 1], [1], [1, 2]],
  );
  assert.equal(scheduleInput(withZvol, ['sda', 'zd0'], EARLY).targets[0], { needs: [0] });
});

test('a disk without any file system is taken at the barrier', () => {
  const input = scheduleInput(plan(fileSystem('8:0', ['sda'])), ['sda', 'sdz'], EARLY);
  assert.equal(input.targets[1]?.needs, [0]);
});

test('with the barrier rule every target needs everything', () => {
  const input = scheduleInput(
    plan(fileSystem('8:0', ['sda']), fileSystem('8:16', ['sdb'])),
    ['sda', 'sdb'],
    { fire: 'barrier', sequential: false },
  );
  assert.equal(input.targets, [{ needs: [0, 1] }, { needs: [0, 1] }]);
});

test('takes over what must be thawed before what', () => {
  const both = plan(fileSystem('7:0', ['sda']), fileSystem('8:0', ['sda']));
  const input = scheduleInput({ ...both, thawsAfter: [[1], []] }, ['sda'], EARLY);
  assert.equal(
    input.fileSystems.map(({ thawsAfter }) => thawsAfter),
    [[1], []],
  );
});

test.run();
