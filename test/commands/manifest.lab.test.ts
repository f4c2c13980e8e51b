import { hostname } from 'node:os';
import { AnonymousCredential, ContainerClient } from '@azure/storage-blob';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import packageJson from '../../package.json' with { type: 'json' };
import { enterLab } from '../../src/lab/namespace.ts';
import { manifestSchema } from '../../src/report/schemas/manifest.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import type { Manifest } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('manifest of flashfreeze snapshot');
const MIXED = [{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }] as const;

interface Stored {
  readonly name: string;
  readonly contentType: string | undefined;
  readonly text: string;
}

/** What is stored below `flashfreeze/`. */
async function stored({ server }: Rig): Promise<Stored[]> {
  const container = new ContainerClient(server.containerUrl(), new AnonymousCredential());
  const found: Stored[] = [];
  for await (const { name, properties } of container.listBlobsFlat({ prefix: 'flashfreeze/' })) {
    const text = (await container.getBlobClient(name).downloadToBuffer()).toString();
    found.push({ name, contentType: properties.contentType, text });
  }
  return found;
}

function manifestIn(found: readonly Stored[]): Manifest {
  assert.is(found.length, 1, JSON.stringify(found));
  return v.parse(manifestSchema, JSON.parse(found[0]?.text ?? ''));
}

function summaryOf({ stdout, stderr }: Ended): RunSummary {
  assert.not.match(`${stdout}${stderr}`, /[?&]sig=(?!REDACTED)/);
  return v.parse(runSummarySchema, JSON.parse(stdout));
}

/** `--blob` for every disk, with the SAS of the container. */
function withContainerSas({ server, disks }: Rig): string[] {
  const [, sas] = server.containerUrl().split('?');
  return disks.disks.flatMap((_, index) => [
    '--blob',
    `${server.urls[index]?.split('?')[0]}?${sas}`,
  ]);
}

test('is written to the container that --manifest names, and says what the plan says', async () => {
  await using rig = await Rig.create(MIXED);
  const to = rig.server.containerUrl({ permissions: 'c' });
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--manifest', to, '--json']);
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.equal(summary.warnings, []);
  const found = await stored(rig);
  const manifest = manifestIn(found);
  const { disks, fileSystems, ...run } = manifest;
  const { startedAt, id, vm, ...rest } = run;
  assert.equal(rest, {
    ...{ format: 'flashfreeze restore point', formatVersion: 1, origin: 'snapshot' },
    ...{ host: hostname(), version: packageJson.version, barrier: summary.barrier },
    ...{ consistency: 'fileSystemConsistent', restorable: true, problems: [] },
  });
  assert.ok(vm === null || vm.length === 36);
  assert.ok(startedAt < (summary.barrier ?? ''));
  const stamp = summary.barrier?.replaceAll(/[-:]|\.\d+/g, '');
  assert.is(found[0]?.name, `flashfreeze/${hostname()}/${stamp}-${id}.json`);
  assert.is(found[0]?.contentType, 'application/json');
  assert.equal(
    disks.map(({ position, device, source, snapshot, showsInstant }) => [
      ...[position, device, source, snapshot, showsInstant],
    ]),
    summary.disks.map(({ device, blob, snapshot }, index) => [
      ...[index + 1, device, blob, snapshot, true],
    ]),
  );
  for (const { mountPoint, device, type, index } of rig.disks.disks) {
    const own = fileSystems.find(({ mountPoints }) => mountPoints.includes(mountPoint));
    assert.equal(
      [own?.type, own?.source, own?.disks, own?.wasFrozen],
      [type, device, [index + 1], true],
    );
    assert.match(own?.uuid ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  }
  for (const [index] of rig.disks.disks.entries()) {
    const [taken] = await rig.server.snapshots(`disk${index}`);
    assert.is(taken?.metadata.flashfreeze_run, id);
  }
  assert.not.match(found[0]?.text ?? '', /\?|sig|se=/);
});

test('is written beside the blobs if their SAS permits it, also by a run that fails', async () => {
  await using rig = await Rig.create(MIXED);
  await rig.server.setFault({
    ...{ blob: 'disk1', at: 'request' },
    fault: { kind: 'status', status: 409, code: 'SnapshotCountExceeded' },
  });
  const ended = await flashfreeze(['snapshot', ...withContainerSas(rig), '--json']);
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1, ended.stderr);
  const manifest = manifestIn(await stored(rig));
  assert.is(manifest.restorable, false);
  assert.equal(manifest.problems, summary.problems);
  assert.ok(manifest.problems.length > 0);
  assert.equal(
    manifest.disks.map(({ snapshot }) => snapshot === null),
    [false, true, false],
  );
});

test('is not written with the SAS of single blobs, and the log says what would permit it', async () => {
  await using rig = await Rig.create(MIXED);
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--json']);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.equal(summaryOf(ended).warnings, []);
  assert.match(ended.stderr, /no manifest is written .*--manifest/);
  assert.equal(await stored(rig), []);
});

test('that cannot be written is a warning with a code, and the run is a success', async () => {
  await using rig = await Rig.create(MIXED);
  const to = rig.server.containerUrl({ permissions: 'r' });
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--manifest', to, '--json']);
  const { warnings, restorable } = summaryOf(ended);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(restorable, true);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', /HTTP 403 \w+.*\(FF_MANIFEST_UNWRITABLE\)/);
  assert.equal(await stored(rig), []);
});

test.run();
