import { readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { ManagedLab } from '../../src/lab/managed/managed-lab.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertCommands, assertReported, telemetry } from './checks.ts';
import { preparePayload } from './payload.ts';
import { Scene, type Task } from './scene.ts';
import { BACKUP_METADATA, encode } from './task.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('extension with the VM’s own identity');

/** A guest whose disks are the managed disks of a VM. */
class ManagedGuest implements AsyncDisposable {
  readonly scene: Scene;
  readonly lab: ManagedLab;

  private constructor(scene: Scene, lab: ManagedLab) {
    this.scene = scene;
    this.lab = lab;
  }

  static async create(): Promise<ManagedGuest> {
    await using made = new AsyncDisposableStack();
    const scene = made.use(await Scene.create({ disks: [{ type: 'xfs' }, { type: 'ext4' }] }));
    const { guest } = scene;
    const disks = guest.blobSources.map(({ imagePath }, index) => ({
      ...{ name: `disk${index}`, lun: index - 1, imagePath },
    }));
    const operation = { retryAfterSeconds: undefined, durationMs: 300 };
    const lab = made.use(await ManagedLab.start({ at: 'lab', disks, operation }));
    const hosts = guest.path('/etc/hosts');
    const before = await readFile(hosts, 'utf8').catch(() => '');
    await writeFile(hosts, `${before}127.0.0.1 management.azure.com\n`);
    await scene.inGuest(linksOf([guest.rootDisk, ...guest.disks.disks]));
    made.move();
    return new ManagedGuest(scene, lab);
  }

  /** Sends a task that wants the VM's own identity, and waits for its end. */
  async run(): Promise<Task> {
    const publicObject = {
      backupMetadata: BACKUP_METADATA,
      includedDisks: { dataDiskLunList: [0, 1], isOSDiskIncluded: true },
    };
    const task = await this.scene.task({
      blobs: [],
      publicSettings: {
        objectStr: encode(publicObject),
        customSettings: JSON.stringify({ takeSnapshotFrom: 'managedIdentity' }),
      },
    });
    assertCommands(await this.scene.send(task.settings), ['install', 'enable']);
    await this.scene.settled();
    return task;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
    await this.scene[Symbol.asyncDispose]();
  }
}

/** Loop devices have no LUN in sysfs: links show it, as the udev rules of Azure make them. */
function linksOf(disks: readonly { readonly device: string }[]): string {
  const links = disks.map(({ device }, index) =>
    index === 0
      ? `ln -s ${device} /dev/disk/azure/os`
      : `ln -s ${device} /dev/disk/azure/data/by-lun/${index - 1}`,
  );
  return [
    'mkdir -p /dev/disk && mount -t tmpfs flashfreeze-lab /dev/disk',
    'mkdir -p /dev/disk/azure/data/by-lun',
    ...links,
  ].join(' && ');
}

test('the payload takes snapshots of all managed disks in a whole task, as the agent sends it', async () => {
  await using machine = await ManagedGuest.create();
  const { scene, lab } = machine;
  const task = await machine.run();
  const blob = await assertBlobStatus(task, 1);
  assert.is((await assertReported(scene, 1)).status, 'success');
  assert.is(telemetry(blob, 'snapshotCreator'), 'guestExtension');
  assert.is(telemetry(blob, 'consistencyType'), 'fileSystemConsistent');
  const snapshots = await lab.snapshots();
  assert.equal(
    blob.status.snapshotInfo?.map((it) => [it.isSuccessful, it.snapshotUri, it.blobUri]),
    ['disk0', 'disk1', 'disk2'].map((name) => [
      ...[true, snapshots.find(({ disk }) => disk === name)?.id, lab.diskId(name)],
    ]),
  );
  assert.is(new Set(snapshots.map(({ tags }) => tags['flashfreeze-run'])).size, 1);
  // A frozen ext4 has no journal to replay.
  for (const name of ['disk0', 'disk2']) {
    const image = snapshots.find(({ disk }) => disk === name)?.imagePath ?? '';
    assert.not.match(await runCommand('dumpe2fs', ['-h', image]), 'needs_recovery');
  }
  await scene.inGuest("! grep -rlE 'eyJ0eX|Bearer ey' /var/log/azure /var/lib/waagent");
  assert.equal(await lab.violations(), []);
});

test('without an identity the task ends with 76, and nothing was frozen', async () => {
  await using machine = await ManagedGuest.create();
  await machine.lab.setIdentities([]);
  const task = await machine.run();
  const blob = await assertBlobStatus(task, 76);
  assert.match(blob.status.formattedMessage.message, 'az vm identity assign');
  assert.ok((await machine.lab.requests()).every(({ call }) => call !== 'put-snapshot'));
});

test.run();
