import * as assert from 'uvu/assert';
import { failureDuringRun } from '../../src/backup/build-record.ts';
import {
  changeBetween,
  type FailedFileSystem,
  failedBetween,
  storageAfterwards,
} from '../../src/backup/verify-storage.ts';
import type { ExclusionReason } from '../../src/filesystems/plan-types.ts';
import type { SystemView } from '../../src/filesystems/system-view.ts';
import { suite } from '../suite.ts';
import { goodRecord } from './fixtures/records.ts';

const test = suite('verify storage');
const { plan } = goodRecord(2);
const [first] = plan.fileSystems;
const onlyFirst = { fileSystems: first === undefined ? [] : [first] };

test('equal file systems are no change', () => {
  assert.is(changeBetween(plan, plan), undefined);
});

test('a new file system is named', () => {
  assert.is(changeBetween(onlyFirst, plan), '/data/1 was mounted');
});

test('a missing file system is named, with the possible causes', () => {
  assert.is(
    changeBetween(plan, onlyFirst),
    '/data/1 was unmounted, remounted read-only or covered, or it failed',
  );
});

test('if a file system was replaced, the new one is named', () => {
  const [, second] = plan.fileSystems;
  const onlySecond = { fileSystems: second === undefined ? [] : [second] };
  assert.is(changeBetween(onlyFirst, onlySecond), '/data/1 was mounted');
});

test('what is shut down, read-only or without its disk afterwards has failed', () => {
  const excluded = plan.fileSystems.map(({ device, mountPoint, type }) => ({
    ...{ device, mountPoint, type, disks: [], isWritable: false },
  }));
  const leftOut = (reason: ExclusionReason): FailedFileSystem[] =>
    failedBetween(plan, { excluded: excluded.slice(1).map((it) => ({ ...it, reason })) });
  for (const reason of ['dead', 'read-only', 'no-block-device'] as const) {
    const isReadOnly = reason === 'read-only';
    assert.equal(leftOut(reason), [{ mountPoint: '/data/1', isReadOnly }], reason);
  }
  for (const reason of ['not-selected', 'hidden', 'no-answer'] as const) {
    assert.equal(leftOut(reason), [], reason);
  }
  assert.equal(failedBetween(plan, undefined), []);
});

test('if what is mounted cannot be read afterwards, that is a result, not an error that loses the run', async () => {
  const error = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  const unreadable: SystemView = {
    mountinfo: () => Promise.reject(error),
    list: () => undefined,
    read: () => undefined,
    resolve: () => undefined,
    inspect: () => undefined,
  };
  const freezer = { descriptorOf: () => 0 };
  assert.equal(await storageAfterwards({ include: [], skip: [] }, plan, freezer, unreadable), {
    now: { error: 'EMFILE' },
    failed: [],
  });
});

test('of a file system that became read-only, a run says that its writers may stay blocked', () => {
  const readOnly = failureDuringRun({ mountPoint: '/data/1', isReadOnly: true });
  assert.match(readOnly, /^\/data\/1 failed during this run .* Linux before 6\.12.* restart/);
  const dead = failureDuringRun({ mountPoint: '/data/1', isReadOnly: false });
  assert.match(dead, /^\/data\/1 failed during this run .*Read the log of the kernel\.$/);
});

test.run();
