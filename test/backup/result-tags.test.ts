import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { judge } from '../../src/backup/outcome.ts';
import { resultTags } from '../../src/backup/result-tags.ts';
import { suite } from '../suite.ts';
import { failedAnswer, goodRecord, targetRecord } from './fixtures/records.ts';

const test = suite('tags of the result of a run');

test('say when, how consistent, whether restorable, and what is mounted of the disk', () => {
  const record = goodRecord(2);
  const [first, second] = resultTags(record, judge(record));
  assert.equal(first, {
    snapshot: record.disks[0]?.answer.snapshot ?? '',
    tags: {
      'flashfreeze-barrier': '2026-11-22T02:41:52.630Z',
      'flashfreeze-consistency': 'fileSystemConsistent',
      'flashfreeze-restorable': 'true',
      'flashfreeze-mounts': '/data/0',
    },
  });
  assert.is(second?.tags['flashfreeze-mounts'], '/data/1');
});

test('a run with a refusal marks the snapshots that exist as not restorable', () => {
  const good = goodRecord(2);
  const disks = [...good.disks.slice(0, 1), targetRecord(failedAnswer(1))];
  const record = { ...good, disks };
  const tags = resultTags(record, judge(record));
  assert.is(tags.length, 1);
  assert.is(tags[0]?.tags['flashfreeze-restorable'], 'false');
});

test('a useless snapshot that was not deleted is marked, one that is gone is not', () => {
  const orphan = { blob: 'disk', snapshot: 's1', keptBecause: 'HTTP 500' };
  const orphans = [orphan, { ...orphan, snapshot: 's2', keptBecause: undefined }];
  const record = goodRecord(1, { orphans, disks: [] });
  assert.equal(resultTags(record, judge(record)), [
    { snapshot: 's1', tags: { 'flashfreeze-restorable': 'false' } },
  ]);
});

test('whatever the mount points are, Azure takes the value', () => {
  const mountPoint = fc.string({ unit: 'binary', maxLength: 300 }).map((it) => `/${it}`);
  const property = fc.property(mountPoint, (it) => {
    const good = goodRecord(1);
    const fileSystems = good.plan.fileSystems.map((one) => ({ ...one, mountPoint: it }));
    const record = { ...good, plan: { ...good.plan, fileSystems } };
    const value = resultTags(record, judge(record))[0]?.tags['flashfreeze-mounts'] ?? '';
    assert.ok(value.length > 0 && value.length <= 256);
    assert.not.match(value, /\p{Cc}/u);
  });
  fc.assert(property);
});

test.run();
