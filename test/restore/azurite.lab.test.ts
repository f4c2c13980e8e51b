import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { Lab } from '../../src/lab/lab.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { restoreReportSchema } from '../../src/report/schemas/restore-report.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze restore from another blob service');

test('Azurite copies, and a second call finds the copies', async () => {
  await using lab = await Lab.create({
    disks: [{ type: 'ext4' }],
    blobs: 'azurite',
    writers: false,
  });
  const { blobUrls, azurite } = lab.parts;
  const blobs = blobUrls.flatMap((url) => ['--blob', url]);
  const container = azurite?.containerUrl('rcwl') ?? '';
  const taken = await flashfreeze(['snapshot', ...blobs, '--manifest', container, '--quiet']);
  assert.is(taken.exitCode, 0, taken.stderr);
  const listed = await flashfreeze(['snapshots', 'list', '--container', container, '--json']);
  const id: unknown = JSON.parse(listed.stdout).restorePoints[0]?.id;
  for (const expected of ['created', 'existed']) {
    const ended = await flashfreeze([
      ...['restore', String(id), '--container', container, '--create', '--json'],
    ]);
    assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
    const { disks } = v.parse(restoreReportSchema, JSON.parse(ended.stdout));
    assert.equal(
      disks.map(({ state }) => state),
      [expected],
    );
  }
});

test.run();
