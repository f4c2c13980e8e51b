import assert from 'node:assert/strict';
import { LabDisks } from '../../src/lab/disks.ts';
import { suite } from '../suite.ts';

const test = suite('lab disks outside the lab');

test('are refused, because nothing would remove them after a crash', async () => {
  await assert.rejects(LabDisks.create([{ type: 'ext4' }]), {
    code: 'FF_LAB_UNAVAILABLE',
    message: /enterLab/,
  });
});

test.run();
