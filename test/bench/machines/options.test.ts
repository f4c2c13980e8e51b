import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  ALL_MACHINES,
  type Pairing,
  pairingsOf,
  snapshotRootOf,
} from '../../../bench/machines/any-machine.ts';
import { KERNELS } from '../../../bench/machines/kernels.ts';
import { dataDiskName } from '../../../bench/machines/machine.ts';
import { parseMachines } from '../../../bench/machines/options.ts';
import { suite } from '../../suite.ts';

const test = suite('options of machines');
const STORAGE = join(import.meta.dirname, '../../../bench/machines/guest/storage');

test('without options: every machine on every kernel', () => {
  const wanted = parseMachines([]);
  assert.equal(wanted, {
    kind: 'run',
    pairings: pairingsOf(ALL_MACHINES, KERNELS),
    again: false,
    record: false,
  });
});

test('machines and kernels by name, in the order of the table', () => {
  const argv = ['--only', 'lvm', '--only', 'plain', '--kernel', '6.12', '--again'];
  const wanted = parseMachines(argv);
  assert.ok(wanted.kind === 'run' && wanted.again);
  assert.equal(namesOf(wanted.pairings), ['plain 6.12', 'lvm 6.12']);
});

test('a machine under QEMU is booted with the kernels of its table only', () => {
  const wanted = parseMachines(['--only', 'azure-scsi', '--only', 'plain', '--kernel', '5.10']);
  assert.ok(wanted.kind === 'run');
  assert.equal(namesOf(wanted.pairings), ['plain 5.10']);
  assert.throws(
    () => parseMachines(['--only', 'azure-scsi', '--kernel', '5.10']),
    /none of these machines is booted with the kernel 5\.10/,
  );
});

function namesOf(pairings: readonly Pairing[]): string[] {
  return pairings.map(({ machine, kernel }) => `${machine.name} ${kernel.name}`);
}

test('a name that is not in the table is refused, and the table shown', () => {
  assert.throws(
    () => parseMachines(['--only', 'lvn']),
    /--only must be one of plain, lvm, .*"lvn"/,
  );
  assert.throws(
    () => parseMachines(['--kernel', '4.4']),
    /--kernel must be one of 5\.10, .*"4\.4"/,
  );
});

test('every machine has a storage script, names of its own, and no more disks than there are', () => {
  for (const machine of ALL_MACHINES) {
    assert.ok(existsSync(join(STORAGE, `${machine.name}.sh`)), machine.name);
    const places = machine.fileSystems.map(({ at }) => at);
    assert.equal(new Set(places).size, places.length, machine.name);
    assert.match(
      snapshotRootOf(machine).device,
      /^\/dev\/(ubd[b-p]1|disk\/lab\/ossnapshot-part1)$/,
    );
  }
  assert.equal(new Set(ALL_MACHINES.map(({ name }) => name)).size, ALL_MACHINES.length);
  assert.throws(() => dataDiskName(14), RangeError);
});

test.run();
