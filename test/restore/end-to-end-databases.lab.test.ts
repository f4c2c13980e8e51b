import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { AttachedImages, MountedSnapshot } from '../../bench/proof/snapshot-mount.ts';
import { DatabaseRig } from '../../src/lab/databases/database-rig.ts';
import { ENGINES, type Engine } from '../../src/lab/databases/engine.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RestoreReport } from '../../src/restore/restore-text.ts';
import { contentsOf } from '../quiesce/proof/database-proof.ts';
import { type Contents, judgeContents } from '../quiesce/proof/judge-database.ts';
import { suite } from '../suite.ts';
import {
  downloadRestored,
  forgetRuns,
  listPoints,
  managedStorage,
  restoreAll,
  type Storage,
  verifyDeep,
} from './way-back.ts';

await enterLab({ lifetimeSeconds: 600, commands: ENGINES.flatMap(({ commands }) => commands) });

const test = suite('a database on restored disks');

/** The workload goes on for so long before the snapshot. */
const WRITING_MS = 500;

/** What a server on copies of the restored disks answers, and what its own tools find wrong. */
interface Look {
  readonly contents: Contents;
  readonly findings: readonly string[];
}

async function look(
  engine: Engine,
  rig: DatabaseRig,
  storage: Storage,
  report: RestoreReport,
): Promise<Look> {
  await using mounted = new AsyncDisposableStack();
  const folder = `/lab/restored-${report.restorePoint}`;
  await mkdir(folder);
  const mountPoints: string[] = [];
  for (const [index, { type, deviceName }] of rig.disks.entries()) {
    const image = `${folder}/${deviceName}.img`;
    await storage.copyRestored(report, index, image);
    const { devices } = mounted.use(await AttachedImages.attach([image], 'recovered'));
    const mount = await MountedSnapshot.mount(type, devices, 'recovered', folder);
    mountPoints.push(mounted.use(mount).mountPoint);
  }
  const [data = '', log = ''] = mountPoints;
  let contents: Contents;
  let findings: string[];
  {
    await using database = await engine.open([data, log]);
    contents = await contentsOf(database, engine);
    findings = await engine.checkTables(database);
  }
  return { contents, findings: [...findings, ...(await engine.checkFiles([data, log]))] };
}

function blobStorage({ disks, server }: DatabaseRig): Storage {
  const container = server.containerUrl();
  return {
    targets: ['--manifest', container],
    where: ['--container', container],
    copyRestored: async (report, index, image) =>
      await downloadRestored(container, report, disks[index]?.deviceName ?? '', image),
    // The server is the rig's.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const CASES = [
  ...ENGINES.map((engine) => ({ engine, service: 'blobs' as const })),
  ...ENGINES.slice(0, 1).map((engine) => ({ engine, service: 'managed' as const })),
];

for (const { engine, service } of CASES) {
  test(`${engine.name} on restored disks (${service}) has each transaction before the barrier, and none after it`, async () => {
    await using rig = await DatabaseRig.create(engine, {
      ...{ latencyMs: { from: 5, to: 100 }, seed: 7 },
    });
    await using storage = service === 'blobs' ? blobStorage(rig) : await managedStorage(rig.disks);
    await rig.transfers.go(WRITING_MS);
    const summary = await rig.snapshot(service === 'blobs' ? storage.targets : [], service);
    assert.is(summary.consistency, 'applicationConsistent', summary.problems.join('\n'));
    await rig.transfers.go(WRITING_MS / 2);
    await rig.transfers.rest();
    await forgetRuns();

    const { where } = storage;
    const [point] = await listPoints(where);
    const id = point?.id ?? '';
    const deep = await verifyDeep(where, id);
    assert.is(deep.exitCode, 0, JSON.stringify(deep.report.disks));
    const report = await restoreAll(where, id, 'new-');
    const barrierMs = Date.parse(summary.barrier ?? '');
    const { contents, findings } = await look(engine, rig, storage, report);
    const { history } = rig.transfers;
    assert.equal([...findings, ...judgeContents(contents, history, barrierMs)], []);
    // Negative control: at another instant, transactions are missing.
    assert.ok(judgeContents(contents, history, Date.now()).length > 0);
  });
}

test.run();
