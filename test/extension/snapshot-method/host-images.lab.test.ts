import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { inspect } from '../../../bench/proof/image-check.ts';
import { judge } from '../../../src/backup/outcome.ts';
import type { BackupRequest } from '../../../src/backup/request.ts';
import { backup } from '../../../src/backup/run.ts';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../../src/config/vmbackup.ts';
import {
  hostProviderOf,
  preSnapshotRequestOf,
} from '../../../src/extension/snapshot-method/host-requests.ts';
import { LabDisks } from '../../../src/lab/disks.ts';
import { LabHost } from '../../../src/lab/host/lab-host.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { Writers } from '../../../src/lab/writers.ts';
import { HostClient } from '../../../src/snapshot/host/host-client.ts';
import { preSnapshot } from '../../../src/snapshot/host/pre-snapshot.ts';
import { suite } from '../../suite.ts';
import { taskSettings } from './task-settings.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['dumpe2fs'] });

const test = suite('images of the host’s snapshots');
const LUNS = [0, 1];

/** Lets the host copy the images of disks that are written to; what each copy looks like. */
async function snapshotWritten(freeze: boolean): Promise<string[]> {
  await using disks = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const snapshotDirectory = '/lab/host-snapshots';
  await mkdir(snapshotDirectory, { recursive: true });
  await using host = await LabHost.start({
    at: 'wire-server',
    latencyMs: 50,
    snapshotDirectory,
    disks: disks.disks.map(({ imagePath }, lun) => ({ lun, imagePath })),
  });
  const mountPoints = disks.disks.map(({ mountPoint }) => mountPoint);
  await using _writers = await Writers.start(mountPoints);
  await sleep(200);
  await using client = HostClient.open(undefined);
  const settings = taskSettings({ includedDisks: { luns: LUNS } });
  const abort = new AbortController().signal;
  const asked = await preSnapshot(client, preSnapshotRequestOf(settings), abort);
  const request: BackupRequest = {
    ...DEFAULT_VM_BACKUP_CONFIGURATION,
    blobs: [],
    provider: hostProviderOf(client, settings, asked),
    selection: { include: mountPoints, skip: [] },
    sequential: false,
    settle: true,
    freeze,
    strictMatch: false,
    isPartial: true,
    foreignBlobs: 'doubt',
    startAt: undefined,
    metadata: [],
    taskId: 'images',
    lanes: undefined,
  };
  const silent = { phaseBegins: () => {}, phaseEnds: () => {}, warn: () => {} };
  const record = await backup(request, silent, abort);
  const { consistency, problems } = judge(record);
  assert.is(
    consistency,
    freeze ? 'fileSystemConsistent' : 'crashConsistent',
    `${problems.join('\n')}\n${JSON.stringify(record.disks.map(({ writes }) => writes.kind))}`,
  );
  const copies = await host.snapshots();
  assert.is(copies.length, LUNS.length);
  const states = await Promise.all(
    copies.map(({ imagePath = '' }) => inspect('ext4', [imagePath])),
  );
  return states.map(({ kind }) => kind);
}

test('are clean: nothing has to be recovered', async () => {
  assert.equal(await snapshotWritten(true), ['clean', 'clean']);
});

test('would not be without the freeze', async () => {
  const states = await snapshotWritten(false);
  assert.ok(
    states.every((kind) => kind !== 'clean'),
    states.join(),
  );
});

test.run();
