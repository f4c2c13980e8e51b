import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { restoreReportSchema } from '../../src/report/schemas/restore-report.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../lab/managed/fixtures/rig.ts';
import { putSnapshot, RESTORABLE, tagsOf } from '../restore-points/fixtures/managed-snapshots.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze restore of managed disks');

async function restore(...args: readonly string[]) {
  return await flashfreeze(['restore', 'night', '--managed', ...args]);
}

test('shows the lines with type and LUN of the old disks, and makes nothing', async () => {
  await using rig = await Rig.start({ at: 'lab', limits: 'none' }, [{}, {}]);
  const lun = (value: string) => ({ ...RESTORABLE, 'flashfreeze-lun': value });
  await putSnapshot(rig, 'n0', 'disk0', tagsOf('night', 1, lun('7')));
  await putSnapshot(rig, 'n1', 'disk1', tagsOf('night', 2, lun('2')));
  const ended = await restore('--json', '--prefix', 'drill-');
  assert.is(ended.exitCode, 0, ended.stderr);
  const { disks, azLines, isDryRun } = v.parse(restoreReportSchema, JSON.parse(ended.stdout));
  assert.is(isDryRun, true);
  assert.equal(
    disks.map(({ name, state }) => `${name} ${state}`),
    ['drill-lun2 planned', 'drill-lun7 planned'],
  );
  assert.match(
    azLines[0] ?? '',
    /^az disk create --resource-group \S+ --name drill-lun2 --source \/subscriptions\/\S+\/snapshots\/n1 --sku Premium_LRS/,
  );
  assert.match(azLines[1] ?? '', / --lun 2$/);
  assert.match(azLines[3] ?? '', / --lun 7$/);
  await rig.lab.deny('Microsoft.Compute/disks/read', rig.lab.resourceId('disks/disk0'));
  const partly = await restore('--prefix', 'drill-');
  assert.is(partly.exitCode, 0, partly.stderr);
  assert.match(partly.stdout, /--name drill-lun7 .*--sku <sku> --zone <zone>/);
  assert.match(partly.stdout, /--name drill-lun2 .*--sku Premium_LRS/);
});

test('refuses --create and --to, and an incomplete restore point', async () => {
  await using rig = await Rig.start({ at: 'lab', limits: 'none' }, [{}, {}]);
  await putSnapshot(rig, 'n0', 'disk0', tagsOf('night', 1));
  const refusals = [
    [['--create'], 'run the az lines'],
    [['--to', 'https://a.blob.core.windows.net/c?sig=x'], '--to'],
    [[], '--accept incomplete'],
  ] as const;
  for (const [args, words] of refusals) {
    const { exitCode, stderr } = await restore(...args);
    assert.is(exitCode, 2, words);
    assert.match(stderr, words);
  }
  const accepted = await restore('--accept', 'incomplete');
  assert.is(accepted.exitCode, 0, accepted.stderr);
  assert.match(accepted.stdout, '! without a snapshot: disk 2');
});

test.run();
