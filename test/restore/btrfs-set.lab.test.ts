import { copyFile, mkdir, open, stat } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import { verifyPoint } from '../../src/restore/verify-point.ts';
import { withVolumes } from '../../src/restore/verify-volumes.ts';
import type { StoredMember } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('a btrfs of two disks in a restore point');

/** Problems of each image, as `verify --deep` finds them without a manifest. */
async function problemsOf(paths: readonly string[]): Promise<(readonly string[])[]> {
  const members = await Promise.all(
    paths.map(async (path, index): Promise<StoredMember> => {
      const { size: sizeBytes } = await stat(path);
      return {
        place: { kind: 'managed', id: path, sourceDisk: 'd' },
        ...{ takenAt: new Date(0), sizeBytes, values: {} },
        membership: {
          ...{ restorePoint: 'r', position: index + 1, count: paths.length, host: 'db1' },
          ...{ vm: undefined, device: undefined, lun: undefined, version: undefined },
        },
      };
    }),
  );
  const opener = async ({ membership }: StoredMember) => {
    const image = await open(paths[membership.position - 1] ?? '');
    return {
      read: async (offset: number, length: number) => {
        const { buffer, bytesRead } = await image.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
      close: async () => {
        await image.close();
        return undefined;
      },
    };
  };
  const single = await verifyPoint({ members, manifest: undefined }, opener);
  const found = await withVolumes(single, undefined, opener);
  return found.map(({ problems }) => problems);
}

/** Whether the kernel mounts the images as one btrfs. */
async function mounts(paths: readonly string[]): Promise<boolean> {
  await using loops = new AsyncDisposableStack();
  const devices: string[] = [];
  for (const path of paths) {
    const loop = await runCommand('losetup', ['--find', '--show', '--read-only', path]);
    loops.defer(async () => {
      await runCommand('losetup', ['--detach', loop]);
    });
    devices.push(loop);
  }
  const options = ['ro', ...devices.map((device) => `device=${device}`)].join(',');
  await mkdir('/lab/again', { recursive: true });
  try {
    await runCommand('mount', ['-t', 'btrfs', '-o', options, devices[0] ?? '', '/lab/again']);
  } catch {
    return false;
  }
  await unmount('/lab/again');
  return true;
}

async function commits(mountPoint: string, count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    const script = `cd ${mountPoint} && for i in $(seq 200); do echo $i-${round} > f$i; done && sync -f .`;
    await runCommand('sh', ['-c', script]);
  }
}

test('disks of one instant are clean, one that is five commits younger is not, and the kernel agrees', async () => {
  const [first = '', second = '', late = ''] = ['1', '2', 'late'].map((it) => `/lab/${it}.img`);
  {
    await using made = await LabDisks.create([{ type: 'btrfs', devices: 2 }]);
    const [disk] = made.disks;
    const [other] = disk?.others ?? [];
    assert.ok(disk && other);
    const frozen = async (copies: () => Promise<void>): Promise<void> => {
      await runCommand('fsfreeze', ['--freeze', disk.mountPoint]);
      await copies().finally(() => runCommand('fsfreeze', ['--unfreeze', disk.mountPoint]));
    };
    // With a copy on each disk, the kernel would read the metadata from the younger one.
    const balance = ['balance', 'start', '--force', '-mconvert=raid0', disk.mountPoint];
    await runCommand('btrfs', balance);
    await commits(disk.mountPoint, 1);
    await frozen(async () => {
      await copyFile(disk.imagePath, first);
      await copyFile(other.imagePath, second);
    });
    await commits(disk.mountPoint, 5);
    await frozen(() => copyFile(other.imagePath, late));
  }
  assert.equal(await problemsOf([first, second]), [[], []]);
  assert.is(await mounts([first, second]), true);
  const torn = await problemsOf([first, late]);
  assert.is(torn[0]?.length, 1);
  assert.match(
    torn[0]?.[0] ?? '',
    /with generation \d+, device 2 on disk 2 has \d+: it had fallen/,
  );
  assert.equal(torn[1], []);
  assert.is(await mounts([first, late]), false);
  const [alone = []] = await problemsOf([first]);
  assert.match(alone.join('\n'), '1 of its 2 devices on no disk that was read');
  assert.is(await mounts([first]), false);
});

test.run();
