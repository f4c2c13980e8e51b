import * as assert from 'uvu/assert';
import { dirtyInMeminfo, dirtyInStats, readDirtyData } from '../../src/filesystems/dirty-data.ts';
import { suite } from '../suite.ts';

const test = suite('dirty data');

test('adds up what waits and what is being written', () => {
  const meminfo =
    'MemTotal:        8000 kB\nDirty:              12 kB\nWriteback:           4 kB\n';
  assert.is(dirtyInMeminfo(meminfo), 16 * 1024);
  const stats =
    'BdiWriteback:                8 kB\nBdiReclaimable:            100 kB\nBdiDirtyThresh:         100 kB\n';
  assert.is(dirtyInStats(stats), 108 * 1024);
});

test('is unknown where the kernel does not show it', async () => {
  assert.is(dirtyInMeminfo('MemTotal: 1 kB\n'), undefined);
  const roots = { backingDevices: '/nowhere', meminfo: '/nowhere/meminfo' };
  assert.equal(await readDirtyData(['8:0'], roots), {
    totalBytes: undefined,
    devicesBytes: [undefined],
  });
});

test('this machine shows its own', async () => {
  assert.type((await readDirtyData([])).totalBytes, 'number');
});

test.run();
