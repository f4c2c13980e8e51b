import * as assert from 'uvu/assert';
import { missingActions, readOnlyLock } from '../../../src/snapshot/managed/rights.ts';
import { suite } from '../../suite.ts';

const test = suite('rights and locks');
const body = (value: unknown): Buffer[] => [Buffer.from(JSON.stringify(value))];
const NEEDED = ['Microsoft.Compute/snapshots/read', 'Microsoft.Compute/snapshots/write'];

test('an action is there if one role has it and does not take it away again', () => {
  const roles = (...value: object[]): Buffer[] => body({ value });
  const table: [Buffer[], missing: string[]][] = [
    [roles({ actions: ['*'], notActions: [] }), []],
    [roles({ actions: ['*/read'], notActions: [] }), ['Microsoft.Compute/snapshots/write']],
    [roles({ actions: ['microsoft.compute/SNAPSHOTS/*'] }), []],
    [
      roles({ actions: ['*'], notActions: ['Microsoft.Compute/*/write'] }),
      ['Microsoft.Compute/snapshots/write'],
    ],
    [
      roles(
        { actions: ['*'], notActions: ['Microsoft.Compute/*/write'] },
        { actions: ['Microsoft.Compute/snapshots/write'] },
      ),
      [],
    ],
    [roles({ actions: ['Microsoft.Compute/snapshots'] }), NEEDED],
    [roles({ actions: ['Microsoft.Compute/snapshots/readX', 'x.y'] }), NEEDED],
  ];
  for (const [text, missing] of table) {
    assert.equal(missingActions(text, NEEDED), missing, String(text));
  }
});

test('nothing is concluded from an answer that is empty, has more pages or has another form', () => {
  const role = { actions: ['x'], notActions: [] };
  for (const text of [
    [],
    body({ value: [] }),
    body({ value: [role], nextLink: 'https://more' }),
    body({ value: 'x' }),
    [Buffer.from('<html>')],
  ]) {
    assert.equal(missingActions(text, NEEDED), []);
  }
});

test('a read-only lock counts on the group and above, not on other resources in it', () => {
  const group = '/subscriptions/s/resourceGroups/g';
  const lock = (scope: string, level: string): Buffer[] =>
    body({
      value: [{ id: `${scope}/providers/Microsoft.Authorization/locks/l`, properties: { level } }],
    });
  assert.type(readOnlyLock(lock(group, 'ReadOnly'), group), 'string');
  assert.type(readOnlyLock(lock(group.toUpperCase(), 'ReadOnly'), group), 'string');
  assert.type(readOnlyLock(lock('/subscriptions/s', 'ReadOnly'), group), 'string');
  for (const other of [
    lock(group, 'CanNotDelete'),
    lock(`${group}/providers/Microsoft.Compute/disks/d`, 'ReadOnly'),
    lock(`${group}2`, 'ReadOnly'),
    lock('/subscriptions/other', 'ReadOnly'),
    body({}),
    [],
  ]) {
    assert.is(readOnlyLock(other, group), undefined, String(other));
  }
});

test.run();
