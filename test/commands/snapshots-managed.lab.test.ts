import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import { Rig } from '../lab/managed/fixtures/rig.ts';
import { listed, pruned } from '../restore-points/fixtures/managed-commands.ts';
import { putSnapshot, RESTORABLE, tagsOf } from '../restore-points/fixtures/managed-snapshots.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze snapshots of managed disks');

async function names(rig: Rig): Promise<string[]> {
  return (await rig.lab.snapshots()).map(({ name }) => name).sort();
}

/** Three runs of two disks, of which the last one got one snapshot; and one snapshot of another tool. */
async function threeNights(rig: Rig): Promise<void> {
  for (const run of ['a', 'b']) {
    await putSnapshot(rig, `${run}0`, 'disk0', tagsOf(run, 1, { ...RESTORABLE, policy: 'daily' }));
    await putSnapshot(rig, `${run}1`, 'disk1', tagsOf(run, 2, { ...RESTORABLE, policy: 'daily' }));
  }
  await putSnapshot(rig, 'c0', 'disk0', tagsOf('c', 1));
  await putSnapshot(rig, 'foreign', 'disk0', { owner: 'x' });
}

test('list and prune work on restore points, and keep the last complete one', async () => {
  await using rig = await Rig.start({ at: 'lab', limits: 'none', pageSize: 2 }, [{}, {}]);
  await threeNights(rig);
  const all = await listed();
  assert.equal(
    all.restorePoints?.map(({ id, worth }) => `${id} ${worth}`),
    ['c incomplete', 'b complete', 'a complete'],
  );
  assert.is(all.restorePoints?.[1]?.consistency, 'fileSystemConsistent');
  assert.is(all.others, 1);
  assert.is((await listed('--tag', 'Policy=daily')).restorePoints?.length, 2);
  assert.is((await listed('--disks')).snapshots?.length, 6);

  const dry = await pruned('--keep-last', '1');
  assert.is(dry.exitCode, 0, dry.stderr);
  assert.is((await names(rig)).length, 6);
  const real = await pruned('--keep-last', '1', '--delete');
  assert.is(real.exitCode, 0, `${real.stdout}${real.stderr}`);
  assert.equal(await names(rig), ['b0', 'b1', 'c0', 'foreign']);
  assert.equal(await rig.lab.violations(), []);
});

test('an error in between is reported, and what is left is listed as incomplete', async () => {
  await using rig = await Rig.start({ at: 'lab', limits: 'none' }, [{}, {}]);
  await threeNights(rig);
  await rig.lab.deny('Microsoft.Compute/snapshots/delete', rig.lab.resourceId('snapshots/a1'));
  const { exitCode, report, stdout } = await pruned('--keep-last', '1', '--delete');
  assert.is(exitCode, 1, stdout);
  const { errors, deletedSnapshots } = report.restorePoints.find(({ id }) => id === 'a') ?? {};
  assert.is(deletedSnapshots, 1);
  assert.match(errors?.join() ?? '', "the VM's identity lacks Microsoft.Compute/snapshots/delete");
  assert.equal(await names(rig), ['a1', 'b0', 'b1', 'c0', 'foreign']);
  const left = (await listed()).restorePoints?.find(({ id }) => id === 'a');
  assert.is(left?.worth, 'incomplete');
  const missing = await flashfreeze([
    ...['snapshots', 'list', '--managed'],
    ...['--resource-group', 'elsewhere'],
  ]);
  assert.is(missing.exitCode, 2, missing.stdout);
  assert.match(missing.stderr, /flashfreeze: cannot list .*elsewhere/);
});

test.run();
