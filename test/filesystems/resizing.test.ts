import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { describeResize, readResizes } from '../../src/filesystems/resizing.ts';
import { processesNamed } from '../../src/system/processes.ts';
import { suite } from '../suite.ts';
import { type RecordedProcess, RecordedProcesses } from './relations/recorded-processes.ts';

const test = suite('resizes');

const MOUNTS = [
  '20 1 8:1 / / rw - ext4 /dev/sda1 rw',
  '21 20 8:17 / /data rw - xfs /dev/sdb1 rw',
  '22 20 8:33 / /more rw - ext4 /dev/sdc1 rw',
].join('\n');
const INIT: RecordedProcess = { command: 'systemd', descriptors: {}, mountinfo: MOUNTS };
const PLANNED = [
  { mountPoint: '/', mountPoints: ['/'], device: '8:1' },
  { mountPoint: '/data', mountPoints: ['/data'], device: '8:17' },
  { mountPoint: '/more', mountPoints: ['/more', '/bind'], device: '8:33' },
] as const;
const opened = (mountId: number): string => `pos:\t0\nflags:\t0100000\nmnt_id:\t${mountId}\n`;

test('a resize is known by its program and the file system that it has open', async () => {
  const recorded = {
    ...{ self: INIT, 1: INIT },
    30: {
      command: 'resize2fs',
      descriptors: {
        3: ['/dev/sdc1', opened(9)],
        1: ['/log', opened(20)],
        4: ['/bind', opened(22)],
      },
    },
    31: { command: 'xfs_growfs', descriptors: { 3: ['/data', opened(21)] } },
    33: { command: 'systemd-growfs', descriptors: { 3: ['/', opened(20)] } },
    32: { command: 'bash', descriptors: { 3: ['/data', opened(21)] } },
  } as const;
  const processes = new RecordedProcesses(recorded);
  const found = await readResizes(PLANNED, processes, () => [30, 31, 33]);
  assert.equal(
    found.toSorted((a, b) => a.pid - b.pid),
    [
      { mountPoint: '/more', program: 'resize2fs', pid: 30 },
      { mountPoint: '/data', program: 'xfs_growfs', pid: 31 },
      { mountPoint: '/', program: 'systemd-growfs', pid: 33 },
    ],
  );
  assert.equal(
    found.map(describeResize).every((it) => it.includes('pid 3')),
    true,
  );
  const { 33: _, ...others } = recorded;
  assert.equal(
    await readResizes(PLANNED.slice(0, 1), new RecordedProcesses(others), () => [30, 31]),
    [],
  );
});

test('processes are found by name', async () => {
  using child = spawn('sleep', ['100'], { stdio: 'ignore' });
  await once(child, 'spawn');
  assert.ok(processesNamed(new Set(['sleep'])).includes(child.pid ?? 0));
  assert.equal(processesNamed(new Set(['no such name'])), []);
});

test.run();
