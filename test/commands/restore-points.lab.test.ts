import { rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { RUN_FOLDER } from '../../src/report/run-folder.ts';
import { snapshotListSchema } from '../../src/report/schemas/stored-snapshots.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('restore points of real runs');

/** `--blob` for every disk, with a SAS of the container that may not delete. */
function withContainerSas({ server, disks }: Rig): string[] {
  const [, sas] = server.containerUrl({ permissions: 'rlcw' }).split('?');
  return disks.disks.flatMap((_, index) => [
    '--blob',
    `${server.urls[index]?.split('?')[0]}?${sas}`,
  ]);
}

async function worths(container: string): Promise<string[]> {
  const ended = await flashfreeze(['snapshots', 'list', '--container', container, '--json']);
  assert.is(ended.exitCode, 0, ended.stderr);
  const { restorePoints } = v.parse(snapshotListSchema, JSON.parse(ended.stdout));
  return (restorePoints ?? []).map(
    ({ worth, present, count, consistency }) => `${worth} ${present}/${count} ${consistency}`,
  );
}

test('three disks, a run with one refusal: prune --keep-last 1 keeps the last complete set', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'ext4' }]);
  const run = ['snapshot', ...withContainerSas(rig), '--quiet'];
  for (const exitCode of [0, 0, 1]) {
    if (exitCode === 1) {
      await rig.server.setFault({
        ...{ blob: 'disk1', at: 'request' },
        fault: { kind: 'status', status: 409, code: 'SnapshotCountExceeded' },
      });
    }
    assert.is((await flashfreeze(run)).exitCode, exitCode);
  }
  // From the service alone.
  await rm(RUN_FOLDER, { recursive: true, force: true });
  const container = rig.server.containerUrl();
  const complete = 'complete 3/3 fileSystemConsistent';
  const [refused, ...before] = await worths(container);
  assert.match(refused ?? '', /^incomplete 2\/3 /);
  assert.equal(before, [complete, complete]);
  const prune = ['snapshots', 'prune', '--container', container, '--keep-last', '1', '--delete'];
  const pruned = await flashfreeze(prune);
  assert.is(pruned.exitCode, 0, `${pruned.stdout}${pruned.stderr}`);
  assert.equal(await worths(container), [refused, complete]);
});

test.run();
