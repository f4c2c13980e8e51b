import * as assert from 'uvu/assert';
import { judgeSnapshotRun, snapshotsNamed } from '../../../bench/machines/snapshot-run.ts';
import { suite } from '../../suite.ts';

const test = suite('snapshot runs of machines');

const disk = (name: string, showsInstant: boolean) => ({
  blob: `https://lab.blob.core.windows.net:1/lab/disks/${name}`,
  device: `/dev/${name}`,
  showsInstant,
});

/** A run of two disks. */
const end = (code: number, change: object = {}) => ({
  code,
  stdout: JSON.stringify({
    consistency: code === 0 ? 'fileSystemConsistent' : 'crashConsistent',
    restorable: code === 0,
    windowMs: { max: 12, mean: 8 },
    problems: code === 0 ? [] : ['something wrote'],
    disks: [disk('ubda', true), disk('ubdb', code === 0)],
    ...change,
  }),
  stderr: '',
});

test('a snapshot is right if every disk shows the instant', () => {
  assert.equal(judgeSnapshotRun(end(0)), { windowMs: 12, problems: [] });
  const torn = ['snapshot ended with 1, crashConsistent', 'something wrote'];
  assert.equal(judgeSnapshotRun(end(1)).problems, torn);
});

test('a result that contradicts itself is not right', () => {
  const torn = { disks: [disk('ubda', false)] };
  for (const change of [{ restorable: false }, { consistency: 'crashConsistent' }, torn]) {
    assert.is(judgeSnapshotRun(end(0, change)).problems.length, 1);
  }
});

test('a blob that is taken for another disk is wrong, one that is taken for none is not', () => {
  const taken = (device: string | null) => ({ disks: [{ ...disk('ubda', true), device }] });
  assert.equal(judgeSnapshotRun(end(0, taken(null))).problems, []);
  const wrong = ['the blob of ubda was taken for /dev/ubdb'];
  assert.equal(judgeSnapshotRun(end(0, taken('/dev/ubdb'))).problems, wrong);
});

test('no answer at all says why', () => {
  const none = { code: 3, stdout: '', stderr: 'no disk\n' };
  assert.equal(judgeSnapshotRun(none).problems, ['snapshot: exit code 3: no disk']);
  const refused = { ...none, stdout: '{"code":"FF_BTRFS_BUSY","message":"a scrub runs"}' };
  const said = ['snapshot: exit code 3: FF_BTRFS_BUSY: a scrub runs'];
  assert.equal(judgeSnapshotRun(refused), { windowMs: 0, problems: said });
  assert.is(snapshotsNamed(refused).size, 0);
});

test('a run that ended before the freeze says why', () => {
  const refused = { code: 1, stdout: '{"code": "FF_X", "message": "no thread"}', stderr: '' };
  assert.equal(judgeSnapshotRun(refused).problems, ['snapshot: exit code 1: FF_X: no thread']);
  assert.is(snapshotsNamed(refused).size, 0);
});

test('the snapshots that a run names, by blob', () => {
  const disks = [
    { blob: 'https://lab:1/lab/disks/ubda', snapshot: '2026-01-01T00:00:00.0000000Z' },
    { blob: 'https://lab:1/lab/disks/ubdb', snapshot: null },
  ];
  const named = snapshotsNamed({ code: 1, stdout: JSON.stringify({ disks }), stderr: '' });
  assert.equal([...named], [['ubda', '2026-01-01T00:00:00.0000000Z']]);
  assert.is(snapshotsNamed({ code: 3, stdout: '', stderr: '' }).size, 0);
});

test.run();
