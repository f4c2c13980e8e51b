import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import type { BackupRecord } from '../../../src/backup/record.ts';
import type { BackupRequest } from '../../../src/backup/request.ts';
import {
  DEFAULT_VM_BACKUP_CONFIGURATION,
  type SnapshotMethod,
} from '../../../src/config/vmbackup.ts';
import { FlashfreezeError } from '../../../src/errors.ts';
import {
  type Taken,
  takeSnapshots,
} from '../../../src/extension/snapshot-method/take-snapshots.ts';
import { concludeTaken } from '../../../src/extension/task/task-result.ts';
import type { TaskSettings } from '../../../src/extension/task-types.ts';
import type { Selection } from '../../../src/filesystems/plan-types.ts';
import { LabHost, WIRE_SERVER_ADDRESS } from '../../../src/lab/host/lab-host.ts';
import type { LoggedHostRequest } from '../../../src/lab/host/model.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { Rig } from '../../commands/rig.ts';
import { blobsAt } from '../../snapshot/blob/fixtures/blobs.ts';
import { suite } from '../../suite.ts';
import { taskSettings } from './task-settings.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('snapshots by guest and host');

const DISKS = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;
const LUNS = [-1, 0, 1];

/** Disks with their blobs, and a host at the wire server's address. */
class Scene implements AsyncDisposable {
  readonly rig: Rig;
  readonly host: LabHost;
  readonly notes: string[] = [];
  readonly hidden: string[] = [];

  private constructor(rig: Rig, host: LabHost) {
    this.rig = rig;
    this.host = host;
  }

  static async create(
    latencyMs = 0,
    disks: typeof DISKS | [{ type: 'ext4' }] = DISKS,
  ): Promise<Scene> {
    const rig = await Rig.create(disks);
    try {
      const host = await LabHost.start({
        at: 'wire-server',
        latencyMs,
        disks: LUNS.map((lun) => ({ lun })),
      });
      return new Scene(rig, host);
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  get mountPoints(): string[] {
    return this.rig.disks.disks.map(({ mountPoint }) => mountPoint);
  }

  /** The task of a machine whose LUNs are those of the host. */
  settings(changes: Parameters<typeof taskSettings>[0] = {}): TaskSettings {
    return taskSettings({
      blobs: blobsAt(...this.rig.server.urls),
      ...changes,
      includedDisks: { luns: LUNS, ...changes.includedDisks },
    });
  }

  async take(
    configured: SnapshotMethod | undefined,
    settings = this.settings(),
    selection: Selection = { include: this.mountPoints, skip: [] },
  ): Promise<Taken> {
    const request: BackupRequest = {
      ...DEFAULT_VM_BACKUP_CONFIGURATION,
      blobs: settings.blobs,
      selection,
      sequential: false,
      settle: true,
      freeze: true,
      strictMatch: false,
      isPartial: true,
      foreignBlobs: 'doubt',
      startAt: undefined,
      metadata: settings.metadata,
      taskId: settings.taskId,
      manifest: { origin: 'extension', container: this.rig.server.containerUrl() },
      lanes: 1,
    };
    return await takeSnapshots({
      settings,
      configured,
      wireProtocolAddress: WIRE_SERVER_ADDRESS,
      request,
      observer: { phaseBegins: () => {}, phaseEnds: () => {}, warn: (it) => this.notes.push(it) },
      abort: new AbortController().signal,
      note: (message) => this.notes.push(message),
      hide: (secret) => this.hidden.push(secret),
      requireInTime: () => {},
    });
  }

  /** What the host was asked, in order. */
  async calls(): Promise<string[]> {
    return (await this.host.requests()).map(({ call }) => call);
  }

  async guestSnapshots(): Promise<number> {
    const requests = await this.rig.server.requests();
    return requests.filter(({ operation, status }) => operation === 'snapshot' && status === 201)
      .length;
  }

  /** The texts of the manifests beside the guest's snapshots. */
  async manifests(): Promise<string[]> {
    const url = this.rig.server.containerUrl();
    const container = new ContainerClient(url, new AnonymousCredential());
    const texts: string[] = [];
    for await (const { name } of container.listBlobsFlat({ prefix: 'flashfreeze/' })) {
      texts.push((await container.getBlobClient(name).downloadToBuffer()).toString());
    }
    return texts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.rig[Symbol.asyncDispose]();
  }
}

function recordOf({ result }: Taken): BackupRecord {
  if (!result.ok) {
    throw result.error;
  }
  return result.record;
}

/** The requests that the host got or answered while anything was frozen. */
function whileFrozen(
  requests: readonly LoggedHostRequest[],
  { fileSystems }: BackupRecord,
): readonly LoggedHostRequest[] {
  const starts = fileSystems.flatMap(({ freezeStartNs }) => freezeStartNs ?? []);
  const ends = fileSystems.flatMap(({ thawedNs }) => thawedNs ?? []);
  const [first = 0n] = starts.toSorted((a, b) => Number(a - b));
  const last = ends.toSorted((a, b) => Number(a - b)).at(-1) ?? 0n;
  assert.ok(first > 0n && last > first);
  return requests.filter(
    ({ receivedNs, answeredNs = last }) => receivedNs < last && answeredNs > first,
  );
}

test('a machine of which everything is left out is snapshotted as it is, and the message says why', async () => {
  await using scene = await Scene.create(0);
  const nothing = { include: [], skip: scene.mountPoints };
  const taken = await scene.take('onlyGuest', scene.settings(), nothing);
  const { code, consistency, message, snapshots } = concludeTaken(
    taken,
    blobsAt(...scene.rig.server.urls),
  );
  assert.equal([code, consistency], [1, 'crashConsistent'], message);
  assert.match(message, 'There is no file system to freeze');
  assert.ok(snapshots.length > 0 && snapshots.every(({ isSuccessful }) => isSuccessful));
  assert.is(await scene.guestSnapshots(), scene.rig.server.urls.length);
});

test('onlyHost: one call while everything is frozen, over the connection of the calls before', async () => {
  await using scene = await Scene.create(150);
  const taken = await scene.take('onlyHost');
  const record = recordOf(taken);
  const conclusion = concludeTaken(taken, []);
  assert.is(conclusion.code, 1, conclusion.message);
  assert.is(conclusion.consistency, 'fileSystemConsistent');
  assert.equal(taken.creator, {
    name: 'backupHostService',
    hostStatusCodePreSnapshot: '200',
    hostStatusCodeDoSnapshot: '200',
  });
  assert.is(conclusion.snapshots.length, LUNS.length);
  for (const { isSuccessful, snapshotUri, blobUri } of conclusion.snapshots) {
    assert.ok(isSuccessful);
    assert.match(snapshotUri ?? '', /^https:\/\/lab\.blob\.example\/vhds\/lun-?\d\.vhd\?snapshot=/);
    assert.match(blobUri ?? '', /\.vhd$/);
  }
  const requests = await scene.host.requests();
  assert.equal(
    whileFrozen(requests, record).map(({ call }) => call),
    ['do-snapshot'],
  );
  assert.equal(await scene.calls(), ['pre-snapshot', 'versions', 'versions', 'do-snapshot']);
  assert.is(new Set(requests.map(({ connection }) => connection)).size, 1);
  const asked = requests.at(-1);
  const { answer } = record.disks[0] ?? {};
  assert.ok((asked?.receivedNs ?? 0n) >= (record.barrier?.atNs ?? 0n), 'fired before the barrier');
  assert.ok((answer?.acknowledgedNs ?? 0n) >= (asked?.answeredNs ?? 0n));
  assert.is(await scene.guestSnapshots(), 0);
  assert.equal(JSON.parse(asked?.body ?? '').diskIds, LUNS);
});

test('firstHostThenGuest takes the host where it is up', async () => {
  await using scene = await Scene.create();
  const taken = await scene.take(undefined);
  assert.is(taken.creator.name, 'backupHostService');
  assert.is(concludeTaken(taken, []).code, 1);
  assert.is(await scene.guestSnapshots(), 0);
});

for (const [what, statusCode, set] of [
  ['is down', 555, (host: LabHost) => host.stop()],
  [
    'is not running',
    556,
    (host: LabHost) =>
      host.setFault({ call: 'pre-snapshot', fault: { kind: 'answer', status: 500, body: '<h1>' } }),
  ],
  [
    'says nothing',
    557,
    (host: LabHost) =>
      host.setFault({ call: 'pre-snapshot', fault: { kind: 'answer', status: 200, body: '' } }),
  ],
] as const) {
  test(`firstHostThenGuest takes the guest where the host ${what}`, async () => {
    await using scene = await Scene.create();
    await set(scene.host);
    const taken = await scene.take('firstHostThenGuest');
    const conclusion = concludeTaken(taken, blobsAt(...scene.rig.server.urls));
    assert.is(conclusion.code, 1, conclusion.message);
    assert.equal(taken.creator, {
      name: 'guestExtension',
      hostStatusCodePreSnapshot: String(statusCode),
      hostStatusCodeDoSnapshot: undefined,
    });
    assert.is(await scene.guestSnapshots(), DISKS.length);
  });

  if (statusCode === 557) {
    continue;
  }

  test(`onlyHost freezes nothing if the host ${what}`, async () => {
    await using scene = await Scene.create();
    await set(scene.host);
    const taken = await scene.take('onlyHost');
    const conclusion = concludeTaken(taken, blobsAt(...scene.rig.server.urls));
    assert.is(conclusion.code, 76);
    assert.is(conclusion.record, undefined);
    assert.is(taken.creator.hostStatusCodePreSnapshot, String(statusCode));
    assert.is(await scene.guestSnapshots(), 0);
  });
}

for (const [status, body, statusCode] of [
  [404, 'no such thing', 404],
  [200, '', 557],
] as const) {
  test(`onlyHost tries the host once although it answered pre-snapshot with ${statusCode}`, async () => {
    await using scene = await Scene.create();
    await scene.host.setFault({
      call: 'pre-snapshot',
      fault: { kind: 'answer', status, body },
    });
    const taken = await scene.take('onlyHost');
    const conclusion = concludeTaken(taken, blobsAt(...scene.rig.server.urls));
    assert.is(conclusion.code, 1, conclusion.message);
    assert.is(taken.creator.hostStatusCodePreSnapshot, String(statusCode));
    assert.is(taken.creator.hostStatusCodeDoSnapshot, '200');
  });
}

for (const [what, body, status, statusCode, code] of [
  ['somebody else’s 500', '<h1>oops</h1>', 500, 556, 556],
  ['its own 500', '{ "error": "out of order" }', 500, 500, 76],
  ['an empty success', '', 200, 557, 76],
  ['a success nobody understands', 'fine', 200, 558, 76],
] as const) {
  test(`onlyHost: do-snapshot ends in ${what}: ${code}, and everything is thawed`, async () => {
    await using scene = await Scene.create();
    await scene.host.setFault({
      call: 'do-snapshot',
      fault: { kind: 'answer', status, body },
    });
    const taken = await scene.take('onlyHost');
    const conclusion = concludeTaken(taken, []);
    assert.is(conclusion.code, code, conclusion.message);
    assert.is(conclusion.consistency, 'none');
    assert.is(taken.creator.hostStatusCodeDoSnapshot, String(statusCode));
    assert.is(conclusion.snapshots.length, LUNS.length);
    const { fileSystems } = recordOf(taken);
    assert.ok(fileSystems.every(({ wasFrozen }) => wasFrozen === true));
  });
}

test('firstGuestThenHost takes the host where every disk of the guest’s failed', async () => {
  await using scene = await Scene.create();
  for (const { index } of scene.rig.disks.disks) {
    await scene.rig.server.setFault({
      at: 'request',
      blob: `disk${index}`,
      fault: { kind: 'status', status: 409, code: 'SnapshotOperationRateExceeded' },
    });
  }
  const taken = await scene.take('firstGuestThenHost');
  const conclusion = concludeTaken(taken, blobsAt(...scene.rig.server.urls));
  assert.is(conclusion.code, 1, conclusion.message);
  assert.is(taken.creator.name, 'backupHostService');
  assert.is(await scene.guestSnapshots(), 0);
});

test('firstGuestThenHost takes the host where no blob can be reached', async () => {
  await using scene = await Scene.create();
  for (const { index } of scene.rig.disks.disks) {
    const fault = { kind: 'status', status: 403, code: 'AuthenticationFailed' } as const;
    const rule = { at: 'request', blob: `disk${index}`, operation: 'any', fault } as const;
    await scene.rig.server.setFault(rule);
  }
  const taken = await scene.take('firstGuestThenHost');
  assert.is(concludeTaken(taken, []).code, 1);
  assert.is(taken.creator.name, 'backupHostService');
});

test('firstGuestThenHost lets the host alone where the guest takes a disk', async () => {
  await using scene = await Scene.create();
  const fault = { kind: 'status', status: 409, code: 'SnapshotCountExceeded' } as const;
  await scene.rig.server.setFault({ at: 'request', blob: 'disk0', fault });
  const taken = await scene.take('firstGuestThenHost');
  const { code, message } = concludeTaken(taken, blobsAt(...scene.rig.server.urls));
  assert.is(code, 85, message);
  assert.is(taken.creator.name, 'guestExtension');
  assert.equal(await scene.calls(), []);
});

test('firstGuestThenHost keeps the guest’s code where the host cannot help', async () => {
  await using scene = await Scene.create();
  await scene.host.stop();
  for (const { index } of scene.rig.disks.disks) {
    const fault = { kind: 'status', status: 403, code: 'AuthenticationFailed' } as const;
    await scene.rig.server.setFault({ at: 'request', blob: `disk${index}`, fault });
  }
  const taken = await scene.take('firstGuestThenHost');
  assert.is(concludeTaken(taken, blobsAt(...scene.rig.server.urls)).code, 76);
  assert.is(taken.creator.name, 'guestExtension');
  assert.is(taken.creator.hostStatusCodePreSnapshot, '555');
});

test('disks are excluded and no LUN says which ones are included: the host gets the empty list', async () => {
  await using scene = await Scene.create();
  const settings = scene.settings({
    includedDisks: { luns: [], isAnyDiskExcluded: true, isVmgsBlobIncluded: true },
  });
  const conclusion = concludeTaken(await scene.take(undefined, settings), []);
  assert.is.not(conclusion.code, 17);
  const asked = (await scene.host.requests()).find(({ call }) => call === 'do-snapshot');
  assert.equal(JSON.parse(asked?.body ?? '{}').diskIds, []);
});

test('a disk without a SAS URI costs the guest’s snapshots, and the host takes its own', async () => {
  await using scene = await Scene.create();
  const blobProblem = new FlashfreezeError('FF_BLOBS_MISSING', 'blobSASUri[1] is empty');
  const settings = { ...scene.settings(), blobProblem };
  for (const [method, code] of [
    ['firstHostThenGuest', 1],
    ['firstGuestThenHost', 1],
    ['onlyGuest', 76],
  ] as const) {
    const conclusion = concludeTaken(await scene.take(method, settings), settings.blobs);
    assert.is(conclusion.code, code, conclusion.message);
    assert.is(conclusion.message.includes('blobSASUri[1] is empty'), code === 76);
  }
  assert.is(await scene.guestSnapshots(), 0);
});

test('encryption settings go with the host’s call, and are known as secrets before', async () => {
  await using scene = await Scene.create();
  const body = JSON.stringify({
    responseTime: { year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5 },
    isOsDiskADEEncrypted: true,
    areDataDisksADEEncrypted: true,
    DiskEncryptionSettings: [{ Key: 'diskEncryptionKey', Value: 'unlock-me-please' }],
  });
  await scene.host.setFault({ call: 'pre-snapshot', fault: { kind: 'answer', status: 200, body } });
  const settings = scene.settings({ includedDisks: { isVmAdeEnabled: true } });
  const taken = await scene.take('onlyHost', settings);
  assert.is(concludeTaken(taken, []).code, 1);
  assert.equal(scene.hidden, ['unlock-me-please']);
  const [asked, , , made] = await scene.host.requests();
  assert.match(asked?.body ?? '', 'isVMADEEnabled');
  assert.match(made?.body ?? '', '"DiskEncryptionSettings"');
  assert.match(made?.body ?? '', 'unlock-me-please');
  assert.not.match(JSON.stringify(concludeTaken(taken, []), withoutBigints), 'unlock-me');
});

test('a failed freeze ends in a crash-consistent snapshot where that is permitted', async () => {
  await using scene = await Scene.create(0, [{ type: 'ext4' }]);
  const [mountPoint = ''] = scene.mountPoints;
  const custom = {
    isManagedVm: true,
    canTakeCrashConsistentSnapshot: true,
    backupRetryCount: 1,
  };
  const includedDisks = { luns: [-1] };
  await runCommand('fsfreeze', ['--freeze', mountPoint]);
  try {
    for (const [method, name] of [
      ['onlyHost', 'backupHostService'],
      ['onlyGuest', 'guestExtension'],
    ] as const) {
      const taken = await scene.take(method, scene.settings({ custom, includedDisks }));
      const conclusion = concludeTaken(taken, blobsAt(...scene.rig.server.urls));
      // A warning: the status reports success with the code 1 beside it.
      assert.is(conclusion.code, 121, conclusion.message);
      assert.is(conclusion.consistency, 'crashConsistent');
      assert.ok(conclusion.snapshots.every(({ isSuccessful }) => isSuccessful));
      assert.is(taken.creator.name, name);
      assert.match(conclusion.message, 'already frozen');
    }
    // None of the run that could not freeze: it would contradict that of the run that followed.
    const [manifest = '', ...others] = await scene.manifests();
    assert.equal(others, []);
    assert.match(manifest, '"consistency":"crashConsistent"');
    const first = { ...custom, backupRetryCount: 0 };
    const refused = await scene.take('onlyHost', scene.settings({ custom: first, includedDisks }));
    assert.is(concludeTaken(refused, []).code, 121);
  } finally {
    await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
  }
});

function withoutBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

test.run();
