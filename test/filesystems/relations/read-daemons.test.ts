import * as assert from 'uvu/assert';
import { readDaemons } from '../../../src/filesystems/relations/read-daemons.ts';
import type { ProcessView } from '../../../src/system/processes.ts';
import { suite } from '../../suite.ts';
import { type RecordedProcess, RecordedProcesses } from './recorded-processes.ts';

const test = suite('daemons');

const writable = (mountId: number): string => `pos:\t0\nflags:\t02102001\nmnt_id:\t${mountId}\n`;
const readable = (mountId: number): string => `pos:\t0\nflags:\t0100000\nmnt_id:\t${mountId}\n`;
const FUSE = 'pos:\t0\nflags:\t02100002\nmnt_id:\t9\nfuse_connection:\t55\n';
const asked = (...marks: string[]): string =>
  ['flags:\t02000002', 'mnt_id:\t17', 'fanotify flags:5 event-flags:8000', ...marks, ''].join('\n');
const markOf = (what: string, mask = '10000'): string =>
  `fanotify ${what} mflags:0 mask:${mask} ignored_mask:0`;

const MOUNTS = [
  '20 1 8:1 / / rw - ext4 /dev/sda1 rw',
  '21 20 8:17 / /data rw - xfs /dev/sdb1 rw',
  '22 20 0:22 / /run rw - tmpfs tmpfs rw',
].join('\n');
const INIT: RecordedProcess = { command: 'systemd', descriptors: {}, mountinfo: MOUNTS };

const machine = (processes: Readonly<Record<number, RecordedProcess>>): RecordedProcesses =>
  new RecordedProcesses({ self: INIT, 1: INIT, ...processes });

test('finds a FUSE daemon, what it serves and what it can write to', async () => {
  const { daemons, isComplete } = await readDaemons(
    machine({
      30: { command: 'sh', descriptors: { 1: ['/data/out', writable(21)] } },
      31: {
        command: 'image-server',
        descriptors: {
          0: ['/dev/null', readable(9)],
          1: ['pipe:[77]', writable(14)],
          3: ['/data/log', writable(21)],
          4: ['/etc/passwd', readable(20)],
          5: ['/dev/fuse', FUSE],
          6: ['/run/pid', writable(22)],
        },
      },
    }),
  );
  assert.ok(isComplete);
  assert.equal(daemons, [
    {
      pid: 31,
      command: 'image-server',
      connections: ['0:55'],
      permissionGroups: [],
      writesTo: ['8:17'],
    },
  ]);
});

test('finds a permission daemon and where it is asked, by file system and by mount', async () => {
  const { daemons } = await readDaemons(
    machine({
      40: {
        command: 'scanner',
        descriptors: {
          4: ['anon_inode:[fanotify]', asked(markOf('sdev:800011'), markOf('mnt_id:14', '20000'))],
          5: ['anon_inode:[fanotify]', asked(markOf('sdev:800001', '2b'))],
          6: ['/var/log/scanner', writable(20)],
        },
      },
    }),
  );
  assert.equal(daemons[0]?.permissionGroups, [{ descriptor: 4, watches: ['8:17', '8:1'] }]);
  assert.equal(daemons[0]?.writesTo, ['8:1']);
});

test('counts what the processes of a daemon can write to', async () => {
  const { daemons } = await readDaemons(
    machine({
      40: {
        command: 'scanner',
        descriptors: { 4: ['anon_inode:[fanotify]', asked(markOf('sdev:800001'))] },
        children: [41],
      },
      41: { command: 'engine', descriptors: {}, children: [42] },
      42: { command: 'engine', descriptors: { 3: ['/data/db', writable(21)] } },
    }),
  );
  assert.equal(
    daemons.map(({ pid, writesTo }) => [pid, writesTo]),
    [[40, ['8:17']]],
  );
});

test('finds the file systems of a daemon in a mount namespace of its own', async () => {
  const { daemons } = await readDaemons(
    machine({
      50: {
        command: 'boxed',
        namespace: 'mnt:[2]',
        mountinfo: '90 1 8:33 / /var rw - ext4 /dev/sdc1 rw',
        descriptors: {
          1: ['/var/log/of-whoever-started-it', writable(20)],
          3: ['/var/log/own', writable(90)],
          5: ['/dev/fuse', FUSE],
        },
      },
    }),
  );
  assert.equal(daemons[0]?.writesTo, ['8:1', '8:33']);
});

test('a process that ends while it is looked at is passed over', async () => {
  const gone = machine({ 31: { command: 'x', descriptors: { 5: ['/dev/fuse', FUSE] } } });
  const view: ProcessView = {
    list: (directory) => gone.list(directory),
    link: (path) => gone.link(path),
    read: (file) => (file.startsWith('/proc/31/') ? Promise.resolve(undefined) : gone.read(file)),
  };
  assert.equal(await readDaemons(view), { daemons: [], isComplete: true });
});

test('a call that does not return costs no more than the limit, and what is missing is told', async () => {
  const blocked = machine({
    31: { command: 'seen', descriptors: { 5: ['/dev/fuse', FUSE] } },
    32: { command: 'stuck', descriptors: { 5: ['/dev/fuse', FUSE] } },
  });
  const view: ProcessView = {
    list: (directory) =>
      directory === '/proc/32/fd' ? new Promise(() => {}) : blocked.list(directory),
    link: (path) => blocked.link(path),
    read: (file) => blocked.read(file),
  };
  const { daemons, isComplete } = await readDaemons(view, 50);
  assert.not.ok(isComplete);
  assert.equal(
    daemons.map(({ pid }) => pid),
    [31],
  );
});

test('the processes of this machine can be read', async () => {
  assert.ok((await readDaemons()).isComplete);
});

test.run();
