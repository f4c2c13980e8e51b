import * as assert from 'uvu/assert';
import { armPath, isSameId, parseArmId } from '../../../src/snapshot/managed/arm-id.ts';
import { suite } from '../../suite.ts';

const test = suite('ids of the resource manager');
const S = '/subscriptions/11111111-2222-3333-4444-555555555555';
const OK = `${S}/resourceGroups/my-group/providers/Microsoft.Compute/disks/data_1`;

test('an id of exactly this form is taken, whatever the case of its fixed parts', () => {
  const id = parseArmId(OK, 'disks');
  assert.equal(id && { group: id.group, name: id.name }, { group: 'my-group', name: 'data_1' });
  assert.ok(parseArmId(OK.toUpperCase(), 'disks'));
  assert.ok(parseArmId(OK.replace('my-group', 'Gruppe_(ä).x'), 'disks'));
});

test('anything else is refused, since the parts go into URLs', () => {
  const wrong = [
    '',
    // The sample of the page about instance metadata lacks the period.
    OK.replace('Microsoft.Compute', 'MicrosoftCompute'),
    OK.replace('/disks/', '/snapshots/'),
    OK.replace('data_1', '..'),
    OK.replace('data_1', 'a/b'),
    OK.replace('data_1', 'a?b'),
    OK.replace('data_1', 'a%2fb'),
    OK.replace('data_1', ''),
    OK.replace('data_1', 'x'.repeat(81)),
    OK.replace('my-group', 'group.'),
    OK.replace('my-group', 'a b'),
    OK.replace('my-group', '..'),
    OK.replace('11111111', '1111111g'),
    `${OK}/`,
    `https://management.azure.com${OK}`,
    `${OK}\n`,
  ];
  for (const text of wrong) {
    assert.is(parseArmId(text, 'disks'), undefined, text);
  }
});

test('letters outside ASCII are encoded in a path', () => {
  const id = parseArmId(OK.replace('my-group', 'grün'), 'disks');
  assert.match(id === undefined ? '' : armPath(id), '/resourceGroups/gr%C3%BCn/providers/');
});

test('ids are compared without case', () => {
  assert.ok(isSameId(OK, OK.toUpperCase()));
  assert.not.ok(isSameId(OK, `${OK}2`));
});

test.run();
