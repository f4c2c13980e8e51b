import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readMounts, readPlan } from '../../src/filesystems/read-plan.ts';
import { type SystemView, thisMachine } from '../../src/filesystems/system-view.ts';
import { deviceNumber } from '../../src/system/device-number.ts';
import { parseMountinfo } from '../../src/system/mountinfo.ts';
import { suite } from '../suite.ts';
import { gen1 } from './fixtures/gen1.ts';
import { images } from './fixtures/images.ts';
import { Machine } from './machine.ts';
import { RecordingSystem, readRecording, writeEntries } from './recording.ts';

const test = suite('reading the machine');
const ALL = { include: [], skip: [] };

/** A machine whose mountinfo comes out as the given texts, one after the other, the last for ever. */
function changing(...texts: readonly string[]): { system: SystemView; reads: () => number } {
  let reads = 0;
  const system: SystemView = {
    ...new Machine().build(),
    mountinfo: () => {
      reads += 1;
      return Promise.resolve(Buffer.from(texts[Math.min(reads, texts.length) - 1] ?? ''));
    },
    list: () => undefined,
    read: () => undefined,
    resolve: () => undefined,
    inspect: () => undefined,
  };
  return { system, reads: () => reads };
}

const line = (id: number): string => `${id} 0 8:${id} / /${id} rw - ext4 x rw\n`;

test('mountinfo is read until it comes out the same twice', async () => {
  const { system, reads } = changing(line(1), line(1) + line(2), line(1) + line(2));
  assert.is((await readMounts(system)).mounts.length, 2);
  assert.is(reads(), 3);
});

test('on a machine that mounts all the time the last reading has to do', async () => {
  const { system, reads } = changing(...Array.from({ length: 99 }, (_, index) => line(index)));
  assert.equal((await readMounts(system)).mounts[0]?.id, 4);
  assert.is(reads(), 5);
});

test('bytes that are no UTF-8 are written escaped, in their own line only', async () => {
  const text = Buffer.concat([
    Buffer.from(line(1)),
    Buffer.from('2 0 8:2 / /\xff rw - ext4 x rw\n', 'latin1'),
    Buffer.from('3 0 8:3 / /caf\u00e9 rw - ext4 x rw\n'),
  ]);
  const { system } = changing();
  const { mounts, skipped } = await readMounts({ ...system, mountinfo: async () => text });
  assert.equal(
    mounts.slice(1).map(({ mountPoint }) => mountPoint),
    ['/\\xff', '/caf\u00e9'],
  );
  assert.equal(skipped, []);
});

test('mountinfo that cannot be read is an error', async () => {
  const { system } = changing();
  const failing = { ...system, mountinfo: () => Promise.reject(new Error('EIO')) };
  const rejected = await readPlan(ALL, failing).then(
    () => false,
    (error: unknown) => (error as Error).message === 'EIO',
  );
  assert.ok(rejected);
});

test('a recording of a machine gives the same plan', async () => {
  for (const machine of [gen1(), images()]) {
    const system = machine.build();
    const recording = new RecordingSystem(system);
    const plan = await readPlan(ALL, recording);
    const mountinfo = Buffer.from(await system.mountinfo()).toString();
    const replayed = readRecording(writeEntries(recording.entries), mountinfo);
    assert.equal(await readPlan(ALL, replayed), plan);
  }
});

test('a lab recorded for real, next to another lab’s loop devices, gives the plan of its disks', async () => {
  const path = join(import.meta.dirname, 'fixtures/recorded/lab');
  const recorded = readRecording(
    readFileSync(`${path}.sysfs`, 'utf8'),
    readFileSync(`${path}.mountinfo`, 'utf8'),
  );
  const { fileSystems, waves, disks, warnings } = await readPlan(ALL, recorded);
  assert.equal(
    fileSystems.map((each) => [each.mountPoint, each.type, each.disks, each.imageOn]),
    [
      ['/lab/set1/disk4', 'ext3', ['loop8'], '7:8'],
      ['/lab/set1/disk0', 'ext4', ['loop8'], undefined],
      ['/lab/set1/disk1', 'xfs', ['loop10'], undefined],
      ['/lab/set1/disk2', 'btrfs', ['loop11', 'loop12'], undefined],
      ['/lab/set1/disk3', 'ext4', ['loop9'], undefined],
    ],
  );
  assert.equal(waves, [[0], [1, 2, 3, 4]]);
  assert.is(disks.find(({ name }) => name === 'loop9')?.sizeBytes, 64 * 2 ** 20);
  assert.equal(warnings, []);
});

test('the machine these tests run on can be read', async () => {
  const { mounts, skipped } = await readMounts();
  assert.equal(skipped, []);
  assert.equal(mounts, parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).mounts);
  assert.ok(mounts.some(({ type }) => type === 'proc'));
  assert.is(thisMachine.list('/sys/nothing/here'), undefined);
  assert.is(thisMachine.read('/sys'), undefined);
  assert.is(thisMachine.resolve('/sys/./class/'), '/sys/class');
  assert.is(thisMachine.inspect('/proc'), undefined);
  assert.is(thisMachine.inspect(import.meta.filename)?.kind, 'file');
});

test('device numbers are split as makedev puts them together', () => {
  const cases: readonly [bigint, string][] = [
    [0x0801n, '8:1'],
    [0xfe00n, '254:0'],
    [0x1001_0301n, '259:65537'],
  ];
  for (const [device, expected] of cases) {
    assert.is(deviceNumber(device), expected, device.toString(16));
  }
  const makedev = (major: bigint, minor: bigint): bigint =>
    ((major & 0xfffff000n) << 32n) |
    ((major & 0xfffn) << 8n) |
    ((minor & 0xffffff00n) << 12n) |
    (minor & 0xffn);
  for (const [major, minor] of [
    [0n, 41n],
    [259n, 1_048_575n],
    [4095n, 256n],
    [1_000_000n, 0xffffffn],
  ] as const) {
    assert.is(deviceNumber(makedev(major, minor)), `${major}:${minor}`);
  }
});

test.run();
