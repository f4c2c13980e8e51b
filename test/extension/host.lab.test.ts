import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { madeUpSecret, SecretSearch } from '../../src/lab/agent/secret-search.ts';
import { LabHost, WIRE_SERVER_ADDRESS } from '../../src/lab/host/lab-host.ts';
import type { HostFault } from '../../src/lab/host/model.ts';
import type { ResultCode } from '../../src/result-codes.ts';
import { suite } from '../suite.ts';
import { assertBlobStatus, assertReported, telemetry } from './checks.ts';
import { preparePayload } from './payload.ts';
import { Scene, type Task } from './scene.ts';
import { BACKUP_METADATA, encode } from './task.ts';
import type { StatusBlob } from './task-blobs.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, preparePayload);

const test = suite('extension with the host service');
const LUNS = [0, 1];
const ALL = [-1, ...LUNS];

/** A guest whose disks the host knows too. */
class HostScene implements AsyncDisposable {
  readonly scene: Scene;
  readonly host: LabHost;

  private constructor(scene: Scene, host: LabHost) {
    this.scene = scene;
    this.host = host;
  }

  static async create(): Promise<HostScene> {
    const scene = await Scene.create({
      disks: [{ type: 'xfs' }, { type: 'btrfs' }],
      wireProtocolAddress: WIRE_SERVER_ADDRESS,
    });
    const disks = ALL.map((lun) => ({ lun }));
    return new HostScene(scene, await LabHost.start({ at: 'wire-server', latencyMs: 50, disks }));
  }

  /** Sends a task that names its provider, and waits for its end. */
  async run(takeSnapshotFrom: string, wish: Wish = {}): Promise<Ran> {
    const { includedDisks = {}, blobs, token = madeUpSecret('token') } = wish;
    const publicObject = {
      backupMetadata: BACKUP_METADATA,
      includedDisks: { dataDiskLunList: LUNS, isOSDiskIncluded: true, ...includedDisks },
    };
    const before = (await this.host.requests()).length;
    const task = await this.scene.task({
      ...(blobs === undefined ? {} : { blobs }),
      publicSettings: {
        objectStr: encode(publicObject),
        customSettings: JSON.stringify({ takeSnapshotFrom, ...wish.custom }),
        snapshotTaskToken: token,
      },
    });
    await this.scene.send(task.settings);
    await this.scene.settled();
    const calls = (await this.host.requests()).slice(before).map(({ call }) => call);
    return { task, calls, token };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.scene[Symbol.asyncDispose]();
  }
}

interface Wish {
  readonly includedDisks?: Readonly<Record<string, unknown>>;
  readonly custom?: Readonly<Record<string, unknown>>;
  readonly blobs?: readonly string[];
  readonly token?: string;
}

interface Ran {
  readonly task: Task;
  readonly calls: readonly string[];
  readonly token: string;
}

const HOST_CALLS = ['pre-snapshot', 'versions', 'versions', 'do-snapshot'];

/** Fails unless blob, message and telemetry tell who took the snapshots, and what the host answered. */
async function assertTaken(
  { task }: Ran,
  code: ResultCode,
  by: 'guestExtension' | 'backupHostService',
  preSnapshot?: number,
  doSnapshot?: number,
): Promise<StatusBlob> {
  const blob = await assertBlobStatus(task, code);
  const { messageStr } = JSON.parse(blob.status.formattedMessage.message) as { messageStr: string };
  const ending = [
    `snapshotCreator=${by}`,
    ...(preSnapshot === undefined ? [] : [`hostStatusCodePreSnapshot=${preSnapshot}`]),
    ...(doSnapshot === undefined ? [] : [`hostStatusCodeDoSnapshot=${doSnapshot}`]),
  ];
  assert.ok(messageStr.endsWith(ending.map((part) => `${part}, `).join('')), messageStr);
  assert.is(telemetry(blob, 'snapshotCreator'), by);
  assert.is(telemetry(blob, 'hostStatusCodePreSnapshot'), preSnapshot?.toString());
  assert.is(telemetry(blob, 'hostStatusCodeDoSnapshot'), doSnapshot?.toString());
  return blob;
}

function consistencyOf(blob: StatusBlob): number {
  const message = JSON.parse(blob.status.formattedMessage.message) as {
    snapshotConsistency: number;
  };
  return message.snapshotConsistency;
}

test('the host takes the snapshots although the certificate of the protected settings is missing; the guest cannot', async () => {
  await using machine = await HostScene.create();
  const { scene, host } = machine;
  const { blobs } = await scene.task();
  const without = (takeSnapshotFrom: string) =>
    scene.task({
      protectedSettings: { kind: 'raw', text: 'TUlJ', thumbprint: 'AB'.repeat(20) },
      publicSettings: {
        objectStr: encode({
          backupMetadata: BACKUP_METADATA,
          includedDisks: { dataDiskLunList: LUNS, isOSDiskIncluded: true },
        }),
        customSettings: JSON.stringify({ takeSnapshotFrom }),
        statusBlobUri: blobs.statusBlobUri,
      },
    });
  for (const [method, code] of [
    ['firstHostThenGuest', '1'],
    ['onlyGuest', '16'],
  ] as const) {
    const task = await without(method);
    await scene.send(task.settings);
    await scene.settled();
    assert.is((await blobs.status())?.status.code, code, method);
  }
  const calls = (await host.requests()).map(({ call }) => call);
  assert.is(calls.filter((call) => call === 'do-snapshot').length, 1);
});

test('the host takes the snapshots where the task says so or it is up, the guest where it is not', async () => {
  await using machine = await HostScene.create();
  const { scene, host } = machine;

  const only = await machine.run('onlyHost');
  const blob = await assertTaken(only, 1, 'backupHostService', 200, 200);
  assert.equal(only.calls, HOST_CALLS);
  assert.is(consistencyOf(blob), 1);
  assert.is(telemetry(blob, 'consistencyType'), 'fileSystemConsistent');
  assert.equal(
    blob.status.snapshotInfo?.map((it) => [it.isSuccessful, it.errorMessage]),
    ALL.map(() => [true, '']),
  );
  for (const { snapshotUri, blobUri } of blob.status.snapshotInfo ?? []) {
    assert.match(snapshotUri, /^https:\/\/lab\.blob\.example\/vhds\/lun-?\d\.vhd\?snapshot=20/);
    assert.is(blobUri, snapshotUri.split('?')[0]);
  }
  assert.is((await assertReported(scene, 1)).status, 'success');

  const first = await machine.run('firstHostThenGuest');
  await assertTaken(first, 1, 'backupHostService', 200, 200);
  assert.equal(await scene.snapshotCounts(), scene.each(0));

  const forced = await machine.run('onlyGuest', { includedDisks: { isVmgsBlobIncluded: true } });
  await assertTaken(forced, 1, 'backupHostService', 200, 200);

  for (const [fault, preSnapshot] of [
    [{ kind: 'answer', status: 500, body: '<h1>not ours</h1>' }, 556],
    [{ kind: 'answer', status: 200, body: '' }, 557],
  ] satisfies [HostFault, number][]) {
    await host.setFault({ call: 'pre-snapshot', fault });
    const ran = await machine.run('firstHostThenGuest');
    await assertTaken(ran, 1, 'guestExtension', preSnapshot);
    assert.equal(ran.calls, ['pre-snapshot']);
    await host.clearFaults();
  }
  await host.stop();
  const down = await machine.run('firstHostThenGuest');
  assert.is(consistencyOf(await assertTaken(down, 1, 'guestExtension', 555)), 1);
  assert.equal(await scene.snapshotCounts(), scene.each(3));
  await assertTaken(await machine.run('onlyHost'), 76, 'backupHostService', 555);
  assert.equal(await scene.snapshotCounts(), scene.each(3));
});

/** An answer in which every disk but the first is well. */
function firstDiskRefused(errorMessage: string): HostFault {
  const ddSnapshotIdentifier = {
    creationTime: '2026-11-22T02:49:56.7390000Z',
    id: 'direct-drive-7',
    token: 'found-again-by-this',
    instantAccessDurationMinutes: 300,
  };
  const well = { isSuccessful: true, errorMessage: '', statusCode: 200, ddSnapshotIdentifier };
  const ill = { isSuccessful: false, errorMessage, statusCode: 409, ddSnapshotIdentifier: null };
  const snapshotInfo = ALL.map((_, disk) => ({ snapshotUri: '', ...(disk === 0 ? ill : well) }));
  return { kind: 'answer', status: 201, body: JSON.stringify({ snapshotInfo }) };
}

test('what the host answers instead of snapshots has its code, and nothing stays frozen or becomes known', async () => {
  await using machine = await HostScene.create();
  const { scene, host } = machine;
  const encryption = madeUpSecret('encryption');
  const body = JSON.stringify({
    isOsDiskADEEncrypted: true,
    areDataDisksADEEncrypted: false,
    DiskEncryptionSettings: [{ Key: 'key', Value: encryption }],
  });
  await host.setFault({ call: 'pre-snapshot', fault: { kind: 'answer', status: 200, body } });
  for (const [fault, code, doSnapshot] of [
    [{ kind: 'answer', status: 500, body: '<h1>not ours</h1>' }, 556, 556],
    [{ kind: 'answer', status: 200, body: '' }, 76, 557],
    [{ kind: 'reset' }, 76, 555],
    [firstDiskRefused('The snapshot count against this blob has been exceeded.'), 85, 201],
    [firstDiskRefused('The rate of snapshot blob calls is exceeded.'), 173, 201],
    [firstDiskRefused('The disk is not there.'), 761, 201],
  ] satisfies [HostFault, ResultCode, number][]) {
    await host.setFault({ call: 'do-snapshot', fault, times: 1 });
    const ran = await machine.run('onlyHost', { includedDisks: { isVMADEEnabled: true } });
    const blob = await assertTaken(ran, code, 'backupHostService', 200, doSnapshot);
    assert.is(consistencyOf(blob), 0);
    assert.is(blob.status.snapshotInfo?.length, ALL.length);
    const isPartial = doSnapshot === 201;
    assert.equal(
      blob.status.snapshotInfo?.map(({ isSuccessful }) => isSuccessful),
      ALL.map((_, disk) => isPartial && disk > 0),
    );
    await assertReported(scene, code);
    const search = new SecretSearch({ encryption, token: ran.token });
    const { directory, log } = scene.agent.folders;
    const told = [await ran.task.blobs.statusText(), await ran.task.blobs.log()].join('\n');
    assert.equal(search.inText(told), []);
    assert.equal(search.inText((await scene.agent.statusText()) ?? ''), []);
    assert.equal(search.inText(await readFile(scene.guest.path(log, 'extension.log'), 'utf8')), []);
    assert.ok(directory.length > 0);
    if (code === 85) {
      const text = await ran.task.blobs.statusText();
      const expected = String.raw`"directDriveSnapshotIdentifier":{"creationTime":{"DateTime":"\/Date(1795315796739)\/","OffsetMinutes":0},"id":"direct-drive-7","token":"found-again-by-this","instantAccessDurationMinutes":300}`;
      assert.ok(text.includes(expected), text);
    }
  }
  const made = (await host.requests()).filter(({ call }) => call === 'do-snapshot');
  assert.ok(made.every((request) => request.body.includes(encryption)));
});

test('a host that takes 36 s is waited for; a guest of whose disks every one fails is helped by the host', async () => {
  await using machine = await HostScene.create();
  const { scene, host } = machine;
  const wrong = scene.diskUrls.map((url) => url.replace(/sig=[^&]*/, 'sig=d3Jvbmc%3D'));
  const helped = await machine.run('firstGuestThenHost', { blobs: wrong });
  await assertTaken(helped, 1, 'backupHostService', 200, 200);
  assert.equal(helped.calls, HOST_CALLS);

  const well = await machine.run('firstGuestThenHost');
  await assertTaken(well, 1, 'guestExtension');
  assert.equal(well.calls, []);
  assert.equal(await scene.snapshotCounts(), scene.each(1));

  await host.setFault({ call: 'do-snapshot', fault: { kind: 'slow', delayMs: 36_000 } });
  const slow = await machine.run('firstHostThenGuest');
  const blob = await assertTaken(slow, 1, 'backupHostService', 200, 200);
  assert.is(consistencyOf(blob), 1);
  assert.equal(slow.calls, HOST_CALLS);
});

test.run();
