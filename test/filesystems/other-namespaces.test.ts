import * as assert from 'uvu/assert';
import {
  describeMountElsewhere,
  readMountsElsewhere,
} from '../../src/filesystems/other-namespaces.ts';
import { parseMountinfo } from '../../src/system/mountinfo.ts';
import { suite } from '../suite.ts';
import { type RecordedProcess, RecordedProcesses } from './relations/recorded-processes.ts';

const test = suite('other mount namespaces');

const OURS = '20 1 8:1 / / rw - ext4 /dev/sda1 rw';
const { mounts } = parseMountinfo(OURS);
const INIT: RecordedProcess = { command: 'systemd', descriptors: {}, mountinfo: OURS };
const inNamespace = (command: string, namespace: string, ...lines: string[]): RecordedProcess => ({
  command,
  descriptors: {},
  namespace,
  mountinfo: [OURS, ...lines].join('\n'),
});

const found = async (processes: Readonly<Record<number, RecordedProcess>>): Promise<string[]> => {
  const view = new RecordedProcesses({ self: INIT, 1: INIT, ...processes });
  return (await readMountsElsewhere(mounts, view)).found.map(describeMountElsewhere);
};

test('a file system that only a container sees is named, with the container', async () => {
  const data = '31 20 8:17 / /data rw - xfs /dev/sdb1 rw';
  assert.equal(
    await found({
      40: inNamespace('postgres', 'mnt:[2]', data),
      41: inNamespace('postgres', 'mnt:[2]', data),
      50: inNamespace('other', 'mnt:[3]', data),
    }),
    [
      '/dev/sdb1 (xfs) is not frozen, because it is mounted only in the mount namespace of postgres (pid 40), at /data; what is written to it can be in a snapshot half done',
    ],
  );
});

test('what is ours too, cannot be written to, or cannot be frozen anyway, is no matter', async () => {
  assert.equal(
    await found({
      40: inNamespace(
        'udevd',
        'mnt:[2]',
        '31 20 8:1 /private /tmp rw - ext4 /dev/sda1 rw',
        '32 20 8:17 / /image ro - ext4 /dev/sdb1 ro',
        '33 20 0:40 / /run rw - tmpfs tmpfs rw',
        '34 20 0:41 / /merged rw - overlay overlay rw',
      ),
    }),
    [],
  );
});

test('a process that ends while it is looked at is passed over', async () => {
  const view = new RecordedProcesses({ self: INIT, 1: INIT, 40: inNamespace('gone', 'mnt:[2]') });
  view.read = (file) => Promise.resolve(file.startsWith('/proc/40/') ? undefined : OURS);
  const { found: seen, isComplete } = await readMountsElsewhere(mounts, view);
  assert.equal([seen, isComplete], [[], true]);
});

test('if the process that shows a namespace ends, the next one does', async () => {
  const data = '31 20 8:17 / /data rw - xfs /dev/sdb1 rw';
  const [gone, next] = ['gone', 'next'].map((name) => inNamespace(name, 'mnt:[2]', data));
  assert.ok(gone && next);
  for (const left of [undefined, '']) {
    const view = new RecordedProcesses({ self: INIT, 1: INIT, 40: gone, 41: next });
    const read = view.read.bind(view);
    view.read = (file) => (file.startsWith('/proc/40/') ? Promise.resolve(left) : read(file));
    const { found: seen } = await readMountsElsewhere(mounts, view);
    assert.equal(
      seen.map(({ pid, mount }) => [pid, mount.mountPoint]),
      [[41, '/data']],
    );
  }
});

test('a process in a changed root does not stand for its namespace, but counts if there is no other', async () => {
  const [log, data] = [
    '31 20 8:17 / /log rw - xfs /dev/sdb1 rw',
    '32 20 8:33 / /d rw - xfs /dev/c rw',
  ];
  const inRoot = (root: string, ...lines: string[]): RecordedProcess => ({
    ...{ ...inNamespace('named', 'mnt:[2]'), root },
    mountinfo: lines.join('\n'),
  });
  const seen = async (processes: Readonly<Record<number, RecordedProcess>>) => {
    const view = new RecordedProcesses({ self: INIT, 1: INIT, ...processes });
    let reads = 0;
    const read = view.read.bind(view);
    view.read = (file) => {
      reads += Number(file.endsWith('/mountinfo'));
      return read(file);
    };
    const { found: them } = await readMountsElsewhere(mounts, view);
    return [...them.map(({ pid, mount }) => `${mount.device} ${pid}`), reads];
  };
  const [cut, other] = [inRoot('/jail', log ?? ''), inRoot('/empty', data ?? '')];
  const whole = inNamespace('systemd', 'mnt:[2]', log ?? '', data ?? '');
  assert.equal(await seen({ 40: cut, 41: cut, 42: whole, 43: cut, 44: whole }), [
    ...['8:17 40', '8:33 42', 2],
  ]);
  assert.equal(await seen({ 40: cut, 41: cut, 42: other }), ['8:17 40', '8:33 42', 2]);
});

test('reading that does not come to an end costs no more than the limit', async () => {
  const view = new RecordedProcesses({ self: INIT, 1: INIT, 40: inNamespace('stuck', 'mnt:[2]') });
  view.read = () => new Promise(() => {});
  const { found: seen, isComplete } = await readMountsElsewhere(mounts, view, 50);
  assert.equal([seen, isComplete], [[], false]);
});

test.run();
