import * as assert from 'uvu/assert';
import { configuredRequest } from '../../../src/backup/request.ts';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../../src/config/vmbackup.ts';
import {
  type Taken,
  takeSnapshots,
} from '../../../src/extension/snapshot-method/take-snapshots.ts';
import { type Conclusion, concludeTaken } from '../../../src/extension/task/task-result.ts';
import type { TaskSettings } from '../../../src/extension/task-types.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { ManagedScene } from '../../snapshot/managed/fixtures/scene.ts';
import { suite } from '../../suite.ts';
import { taskSettings } from './task-settings.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('tasks with the VM’s own identity');
const DISKS = [{ type: 'ext4' }, { type: 'xfs' }] as const;
const QUICK = { retryAfterSeconds: undefined } as const;

interface Ended {
  readonly conclusion: Conclusion;
  readonly hidden: readonly string[];
  readonly taken: Taken;
}

function task(changes: Parameters<typeof taskSettings>[0] = {}): TaskSettings {
  return taskSettings({
    blobs: [],
    ...changes,
    custom: { takeSnapshotFrom: 'managedIdentity', ...changes.custom },
  });
}

async function run(scene: ManagedScene, settings: TaskSettings): Promise<Ended> {
  const hidden: string[] = [];
  const include = scene.disks.disks.map(({ mountPoint }) => mountPoint);
  const taken = await takeSnapshots({
    settings,
    configured: undefined,
    wireProtocolAddress: undefined,
    request: {
      ...configuredRequest(DEFAULT_VM_BACKUP_CONFIGURATION),
      ...{ selection: { include, skip: [] }, blobs: settings.blobs, taskId: settings.taskId },
      ...{ metadata: settings.metadata, isPartial: true, foreignBlobs: 'doubt' },
    },
    observer: { phaseBegins: () => {}, phaseEnds: () => {}, warn: () => {} },
    abort: new AbortController().signal,
    note: () => {},
    hide: (secret) => hidden.push(secret),
    requireInTime: () => {},
  });
  return { conclusion: concludeTaken(taken, settings.blobs), hidden, taken };
}

test('the snapshots have the metadata as tags, and the status has their resource ids', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK });
  const { conclusion, hidden, taken } = await run(scene, task({ metadata: [['policy', 'daily']] }));
  assert.is(conclusion.code, 1, conclusion.message);
  assert.is(conclusion.consistency, 'fileSystemConsistent');
  assert.is(taken.creator.name, 'guestExtension');
  assert.is(taken.creator.hostStatusCodePreSnapshot, undefined);
  const snapshots = await scene.lab.snapshots();
  assert.equal(
    conclusion.snapshots,
    ['disk0', 'disk1'].map((name) => ({
      isSuccessful: true,
      snapshotUri: snapshots.find(({ disk }) => disk === name)?.id,
      errorMessage: '',
      blobUri: scene.lab.diskId(name),
      directDrive: undefined,
    })),
  );
  assert.is(snapshots[1]?.tags.policy, 'daily');
  assert.is(hidden.length, 1);
  assert.match(hidden[0] ?? '', /^[\w.-]{16,}$/);
  assert.equal(await scene.lab.violations(), []);
});

test('only the disks of the task are taken', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK });
  const { conclusion } = await run(scene, task({ includedDisks: { luns: [0] } }));
  assert.is(conclusion.code, 1, conclusion.message);
  assert.equal(
    conclusion.snapshots.map(({ blobUri }) => blobUri),
    [scene.lab.diskId('disk1')],
  );
});

test('one disk that is refused fails the task with 761, every disk with 76', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK });
  const action = 'Microsoft.Compute/disks/read';
  await scene.lab.deny(action, scene.lab.diskId('disk1'));
  const some = (await run(scene, task())).conclusion;
  assert.is(some.code, 761, some.message);
  assert.equal(
    some.snapshots.map(({ blobUri, isSuccessful }) => [blobUri, isSuccessful]),
    [
      [scene.lab.diskId('disk0'), false],
      [scene.lab.diskId('disk1'), false],
    ],
  );
  assert.match(some.snapshots[1]?.errorMessage ?? '', `lacks ${action}`);
  await scene.lab.deny(action);
  assert.is((await run(scene, task())).conclusion.code, 76);
});

test('requests that are refused while everything is frozen give the codes of the guest', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK });
  const fault = { kind: 'error', status: 409, code: 'Conflict', message: 'busy' } as const;
  await scene.lab.setFault({ call: 'put-snapshot', disk: 'disk1', fault });
  const some = (await run(scene, task())).conclusion;
  assert.is(some.code, 761, some.message);
  assert.equal(
    some.snapshots.map(({ isSuccessful }) => isSuccessful),
    [true, false],
    some.message,
  );
  await scene.lab.setFault({ call: 'put-snapshot', fault });
  assert.is((await run(scene, task())).conclusion.code, 76);
});

test('without an identity the task fails with 76, and nothing is frozen', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK, identities: [] });
  const { conclusion } = await run(scene, task());
  assert.is(conclusion.code, 76, conclusion.message);
  assert.match(conclusion.message, 'az vm identity assign');
  assert.is(conclusion.record, undefined);
});

test.run();
