/** A premium page blob whose first answer is lost: the next try is refused because the snapshot exists. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import * as assert from 'uvu/assert';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { PREMIUM_LIMITS } from '../../src/lab/blob-server/model.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('lost answer of a premium blob');

/**
 * @param permissions of a SAS for the whole container; undefined: the SAS of the blob alone
 * @param firstSnapshot who takes the only snapshot that the service grants: the lost request, or another tool before it
 */
async function snapshot(
  permissions: string | undefined,
  firstSnapshot: 'ours' | 'foreign' = 'ours',
): Promise<{
  readonly exitCode: number | null;
  readonly summary: RunSummary;
  readonly made: readonly string[];
}> {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  await using server = await BlobServer.start({
    blobs: [{ name: 'disk0', imagePath: disks.disks[0]?.imagePath ?? '' }],
    limits: PREMIUM_LIMITS,
    snapshotContent: 'none',
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
  if (firstSnapshot === 'foreign') {
    await takeSnapshot(`${server.urls[0]}&comp=snapshot`);
  }
  await server.setFault({
    ...{ blob: 'disk0', at: 'request', times: 1 },
    fault: { kind: 'reset', handled: true },
  });
  const url =
    permissions === undefined
      ? server.urls[0]
      : server.containerUrl({ permissions }).replace('?', '/disk0?');
  const ended = await flashfreeze([
    ...['snapshot', '--blob', String(url), '--metadata', 'set=nightly', '--json', '--no-timeline'],
  ]);
  assert.not.equal(ended.stdout, '', ended.stderr);
  const made = (await server.snapshots('disk0')).map((it) => it.snapshot);
  return { exitCode: ended.exitCode, summary: JSON.parse(ended.stdout) as RunSummary, made };
}

/** A snapshot as another tool takes it, with the metadata of the run. */
async function takeSnapshot(url: string): Promise<void> {
  const headers = { 'Content-Length': '0', 'x-ms-meta-set': 'nightly' };
  const asked = request(url, { method: 'PUT', headers }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  assert.is(answer.statusCode, 201);
}

test('the snapshot is found by the mark of its request if the SAS may list, and counts', async () => {
  const { exitCode, summary, made } = await snapshot('rwl');
  assert.is(made.length, 1);
  assert.is(summary.disks[0]?.snapshot, made[0], summary.problems.join());
  assert.is(summary.disks[0]?.showsInstant, true);
  assert.is(summary.restorable, true);
  assert.is(exitCode, 0);
  assert.match(summary.warnings.join(), 'by the mark of the request');
});

test("another tool's snapshot is not adopted, even if its time fits", async () => {
  const { exitCode, summary, made } = await snapshot('rwl', 'foreign');
  assert.is(made.length, 1);
  assert.is(summary.disks[0]?.snapshot, null);
  assert.is(summary.restorable, false);
  assert.is(summary.code, 173);
  assert.is(exitCode, 1);
});

test('if the SAS may not list, the run fails and says that a snapshot may exist', async () => {
  for (const permissions of [undefined, 'rw']) {
    const { exitCode, summary, made } = await snapshot(permissions);
    assert.is(made.length, 1);
    assert.is(exitCode, 1);
    assert.is(summary.code, 173);
    assert.match(summary.problems.join(), 'snapshot may exist');
  }
});

test.run();
