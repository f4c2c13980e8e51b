import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { KERNELS } from '../../../bench/machines/kernels.ts';
import { dataDiskName, rootFileSystem } from '../../../bench/machines/machine.ts';
import { MACHINES } from '../../../bench/machines/machines.ts';
import { parseMachines } from '../../../bench/machines/options.ts';
import { suite } from '../../suite.ts';

const test = suite('options of machines');
const STORAGE = join(import.meta.dirname, '../../../bench/machines/guest/storage');

test('without options: every machine on every kernel', () => {
  const wanted = parseMachines([]);
  assert.equal(wanted, {
    kind: 'run',
    machines: MACHINES,
    kernels: KERNELS,
    again: false,
    record: false,
  });
});

test('machines and kernels by name, in the order of the table', () => {
  const argv = ['--only', 'lvm', '--only', 'plain', '--kernel', '6.12', '--again'];
  const wanted = parseMachines(argv);
  assert.ok(wanted.kind === 'run' && wanted.again);
  assert.equal(
    wanted.machines.map(({ name }) => name),
    ['plain', 'lvm'],
  );
  assert.equal(
    wanted.kernels.map(({ name }) => name),
    ['6.12'],
  );
});

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
  for (const machine of MACHINES) {
    assert.ok(existsSync(join(STORAGE, `${machine.name}.sh`)), machine.name);
    const places = machine.fileSystems.map(({ at }) => at);
    assert.equal(new Set(places).size, places.length, machine.name);
    assert.match(rootFileSystem(machine).device, /^\/dev\/ubd[b-p]1$/);
  }
  assert.equal(new Set(MACHINES.map(({ name }) => name)).size, MACHINES.length);
  assert.throws(() => dataDiskName(14), RangeError);
});

test.run();
