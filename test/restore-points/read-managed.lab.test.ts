import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import {
  findManagedService,
  type ManagedService,
} from '../../src/restore-points/managed-service.ts';
import { readManaged } from '../../src/restore-points/read-managed.ts';
import { Rig } from '../lab/managed/fixtures/rig.ts';
import { suite } from '../suite.ts';
import { putSnapshot, RESTORABLE, tagsOf } from './fixtures/managed-snapshots.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('reading restore points of managed disks');

function service(group?: string): Promise<ManagedService> {
  const abort = new AbortController().signal;
  return findManagedService({ group, clientId: undefined, learnSecret: () => {}, abort });
}

test('pages of a resource group, and what tags say', async () => {
  const disks = [{}, {}];
  await using rig = await Rig.start({ at: 'lab', limits: 'none', pageSize: 2 }, disks);
  for (const [index, disk] of ['disk0', 'disk1'].entries()) {
    await putSnapshot(rig, `a${index}`, disk, tagsOf('a', index + 1, RESTORABLE));
    await putSnapshot(rig, `b${index}`, disk, tagsOf('b', index + 1));
  }
  await putSnapshot(rig, 'foreign', 'disk0', { owner: 'someone else' });
  const seen: number[] = [];
  const { members, others } = await readManaged(await service(), (count) => seen.push(count));
  assert.equal(seen, [2, 4, 5]);
  assert.is(others, 1);
  const points = restorePointsOf(members, []);
  assert.is(points.find(({ id }) => id === 'a')?.worth, 'complete');
  assert.is(points.find(({ id }) => id === 'b')?.worth, 'notRecorded');
  const [place] = points.flatMap(({ members: its }) => its.map((it) => it.place));
  assert.match(place?.kind === 'managed' ? place.sourceDisk : '', /\/disks\/disk0$/);
  assert.ok((points[0]?.members[0]?.sizeBytes ?? 0) > 0);
  assert.equal(await rig.lab.violations(), []);
});

test('a revoked token is replaced, a refusal names the right that is missing', async () => {
  await using rig = await Rig.start({ at: 'lab' });
  const found = await service();
  await readManaged(found);
  await rig.lab.revokeTokens();
  assert.equal(await readManaged(found), { members: [], records: [], isHidden: false, others: 0 });
  await rig.lab.deny('Microsoft.Compute/snapshots/read');
  try {
    await readManaged(found);
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof FlashfreezeError, String(error));
    assert.is(error.code, 'FF_DISK_REFUSED');
    assert.match(error.message, 'Microsoft.Compute/snapshots/read');
  }
});

test.run();
