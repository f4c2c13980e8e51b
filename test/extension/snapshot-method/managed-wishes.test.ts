import * as assert from 'uvu/assert';
import { managedWishesOf } from '../../../src/extension/snapshot-method/managed-wishes.ts';
import { suite } from '../../suite.ts';
import { taskSettings } from './task-settings.ts';

const test = suite('what a task asks for of managed disks');

test('the disks of the task, or all', () => {
  const table: [luns: number[] | undefined, isOnlyOs: boolean, taken: number[] | undefined][] = [
    [undefined, false, undefined],
    [[], false, undefined],
    [[-1, 3], false, [-1, 3]],
    [[-1, 3], true, [-1, 3]],
    [undefined, true, [-1]],
  ];
  for (const [luns, isOnlyOsDiskBackupEnabled, taken] of table) {
    const settings = taskSettings({
      includedDisks: { luns },
      custom: { isOnlyOsDiskBackupEnabled },
    });
    const { wishes } = managedWishesOf(settings);
    assert.equal(wishes.includeLuns, taken);
    assert.equal(wishes.excludeLuns, []);
  }
});

test('metadata become tags, but not those that Azure refuses', () => {
  const metadata = [
    ['policy', 'daily'],
    ['azure-x', 'reserved'],
    ['POLICY', 'again'],
    ['a%b', 'sign'],
    ['long', 'x'.repeat(257)],
    ['empty', ''],
  ] as const;
  const { wishes, warnings } = managedWishesOf(taskSettings({ metadata }));
  assert.equal(wishes.tags, [
    ['policy', 'daily'],
    ['empty', ''],
  ]);
  assert.is(warnings.length, 4);
  assert.match(warnings[0] ?? '', 'becomes no tag of the snapshots: azure-x');
});

test.run();
