import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { BlobServer } from '../../src/lab/blob-server/blob-server.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { LAB_DIRECTORY, LAB_TLS } from '../../src/lab/lab-paths.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

// The lab stands for the machine whose own disks are measured.
await enterLab({ lifetimeSeconds: 600 });
const test = suite('bench on the machine’s own disks');
const MAIN = join(import.meta.dirname, '../../bench/main.ts');

const bench = (...options: string[]) =>
  tryCommand(process.execPath, [MAIN, 'window', '--real', '--rounds', '1', ...options]);

test('it says what it will freeze, asks, and measures what the writers feel', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
  await using server = await BlobServer.start({
    blobs: disks.disks.map(({ imagePath }, index) => ({ name: `disk${index}`, imagePath })),
    latency: { kind: 'fixed', ms: 5 },
    snapshotContent: 'none',
    certificate: {
      caPath: LAB_TLS.caCertificate,
      certPath: LAB_TLS.certificate,
      keyPath: LAB_TLS.key,
    },
  });
  const file = join(LAB_DIRECTORY, 'blobs');
  await writeFile(file, server.urls.join('\n'));

  const unasked = await bench('--blobs-from', file);
  assert.is(unasked.code, 2);
  assert.match(unasked.stderr, /2 file systems of this machine[\s\S]+\(ext4\)[\s\S]+\(xfs\)/);
  assert.match(unasked.stderr, /nobody to ask; give --yes/);
  assert.is((await server.requests()).length, 0, 'nothing was begun');

  const confirmed = await bench('--blobs-from', file, '--yes');
  assert.is(confirmed.code, 0, confirmed.stderr);
  assert.match(confirmed.stdout, /What writers feel/);
  const snapshots = (await server.requests()).filter(({ operation }) => operation === 'snapshot');
  assert.is(snapshots.length, 8, 'ours and the floor, once to warm up and once measured');
  const left = await Promise.all(disks.disks.map((_, index) => server.snapshots(`disk${index}`)));
  assert.equal(left, [[], []], 'they are deleted again');
  assert.not.match(`${confirmed.stdout}${confirmed.stderr}`, /sig=/);
});

test('without the blobs it does not begin', async () => {
  const { code, stderr } = await bench('--yes');
  assert.is(code, 2);
  assert.match(stderr, /--blobs-from <file>/);
});

test.run();
