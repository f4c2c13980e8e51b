import { hostname } from 'node:os';
import { Command } from 'commander';
import * as assert from 'uvu/assert';
import { chooseMachine } from '../../src/commands/prune-machine.ts';
import { snapshotByFile } from '../../src/commands/snapshot-by-file.ts';
import { runPrune } from '../../src/commands/snapshots-prune.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { restorePointsOf } from '../../src/restore-points/group.ts';
import type { Machine } from '../../src/restore-points/machine.ts';
import { METADATA_PREFIX, membershipValues } from '../../src/restore-points/membership.ts';
import type { RestorePoint } from '../../src/restore-points/restore-point.ts';
import { ListingServer } from '../restore-points/fixtures/listing-server.ts';
import { MIDNIGHT, manifestOf, membersOf } from '../restore-points/fixtures/members.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

const test = suite('whose restore points are pruned');

const HOST = hostname();

/** Restore points of VMs that all have the name of this machine, the first VM's first. */
function pointsOf(...vms: readonly (string | null)[]): RestorePoint[] {
  return vms.flatMap((vm) => {
    const members = membersOf(1, { run: `run-of-${vm}` });
    return restorePointsOf([], [manifestOf(members, { host: HOST, vm })]);
  });
}

function own(vm: string | undefined): Machine {
  return { host: HOST, vm };
}

test('after a run, what its own VM took', () => {
  for (const [vms, vm, chosen, warning] of [
    [['prod'], 'prod', ['prod'], ''],
    [['prod', 'clone'], 'clone', ['clone'], 'VM prod) are left alone; this one is VM clone'],
    [['prod', 'clone'], 'PROD', ['prod'], 'VM clone) are left alone'],
    [['prod'], 'clone', [], 'VM prod) are left alone'],
    [['prod', null], 'prod', ['prod', null], ''],
    [['prod'], undefined, ['prod'], ''],
    [[null], undefined, [null], ''],
    [[], undefined, [], ''],
  ] as const) {
    const points = pointsOf(...vms);
    const { isChosen, warnings } = chooseMachine(points, HOST, own(vm));
    assert.equal(
      points.filter(isChosen).map((it) => it.vm ?? null),
      [...chosen],
    );
    assert.is(warnings.length, warning === '' ? 0 : 1);
    assert.match(warnings.join(), warning);
  }
});

test('a machine that does not know its VM prunes nothing if another one has its name', () => {
  for (const vms of [
    ['prod', 'clone'],
    ['prod', null],
  ]) {
    try {
      chooseMachine(pointsOf(...vms), HOST, own(undefined));
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof FlashfreezeError, String(error));
      assert.is(error.code, 'FF_CONFIG_INVALID');
      assert.match(error.message, 'VM prod');
    }
  }
});

test('who names a machine is told which VMs have the name', () => {
  const points = pointsOf('prod', 'clone', null);
  const { isChosen, warnings } = chooseMachine(points, HOST, undefined);
  assert.ok(points.every(isChosen));
  assert.match(warnings.join(), '3 machines have this name (VM prod, VM clone, one of an unknown');
  assert.equal(chooseMachine(points, undefined, undefined).warnings, []);
  assert.equal(chooseMachine(pointsOf('prod'), HOST, undefined).warnings, []);
});

/** Three days of restore points of VMs that have the name of this machine. */
async function serverOf(...vms: readonly string[]): Promise<ListingServer> {
  const server = await ListingServer.start();
  for (const vm of vms) {
    for (const daysAgo of [1, 2, 3]) {
      const takenAt = new Date(MIDNIGHT.getTime() - daysAgo * 86_400_000);
      const members = membersOf(1, { run: `${vm}-${daysAgo}`, host: HOST, vm, takenAt });
      const [member] = members;
      const own = member && membershipValues(member.membership, METADATA_PREFIX);
      const snapshot = takenAt.toISOString();
      server.addSnapshot(`${vm}.vhd`, snapshot, Object.fromEntries(own ?? []));
      const [disk] = manifestOf(members).disks;
      const source = server.blobUrl(`${vm}.vhd`);
      server.addManifest(
        manifestOf(members, { disks: disk === undefined ? [] : [{ ...disk, source, snapshot }] }),
      );
    }
  }
  return server;
}

const of = (server: ListingServer, vm: string): number =>
  server.stored.filter((it) => it.startsWith(`${vm}.vhd `)).length;

test('a restored VM with the name of its original leaves the original’s restore points alone', async () => {
  await using server = await serverOf('prod', 'clone');
  const options = { container: [server.containerUrl()], host: HOST, keepLast: '1', delete: true };
  const code = await runPrune(options, { print: () => {}, own: own('clone') });
  assert.is(code, 0);
  assert.equal([of(server, 'prod'), of(server, 'clone')], [3, 1]);
});

test('a run by a file prunes no other VM with the name of this machine', async () => {
  await using server = await serverOf('prod', 'clone');
  const prune = { container: [server.containerUrl()], host: HOST, keepLast: '1', delete: true };
  const wishes = {
    path: 'snapshot.conf',
    options: { quiet: true, settle: true, freeze: true },
    fromFile: [],
    prune,
  };
  await snapshotByFile(wishes, new Command(), () => Promise.resolve(0));
  assert.equal([of(server, 'prod'), of(server, 'clone')], [3, 3]);
});

test('prune --host warns if several VMs have the name', async () => {
  await using server = await serverOf('prod', 'clone');
  const args = ['--container', server.containerUrl(), '--host', HOST, '--keep-last', '1'];
  const ended = await flashfreeze(['snapshots', 'prune', ...args]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.match(ended.stderr, /2 machines have this name \(VM (prod|clone), VM (prod|clone)\)/);
});

test.run();
