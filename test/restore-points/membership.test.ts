import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  METADATA_PREFIX,
  type Membership,
  membershipIn,
  membershipValues,
  TAG_PREFIX,
} from '../../src/restore-points/membership.ts';
import { suite } from '../suite.ts';

const test = suite('what a snapshot says of its restore point');

const FULL: Membership = {
  restorePoint: '6f0e3a52-1',
  position: 3,
  count: 64,
  host: 'db1',
  vm: '13a5c1d0-0000-0000-0000-000000000001',
  device: '/dev/sdc',
  lun: 0,
  version: '0.1.0',
};

test('is written as metadata and as tags', () => {
  assert.equal(membershipValues(FULL, METADATA_PREFIX), [
    ['flashfreeze_run', '6f0e3a52-1'],
    ['flashfreeze_disk', '3 of 64'],
    ['flashfreeze_lun', '0'],
    ['flashfreeze_device', '/dev/sdc'],
    ['flashfreeze_host', 'db1'],
    ['flashfreeze_vm', '13a5c1d0-0000-0000-0000-000000000001'],
    ['flashfreeze_version', '0.1.0'],
  ]);
  assert.is(membershipValues(FULL, TAG_PREFIX)[1]?.[0], 'flashfreeze-disk');
});

test('is read as it was written, whatever is not known', () => {
  const known = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  fc.assert(
    fc.property(
      fc.record({
        restorePoint: fc.uuid(),
        position: fc.integer({ min: 1, max: 9_999 }),
        count: fc.integer({ min: 1, max: 9_999 }),
        host: fc.domain(),
        vm: known(fc.uuid()),
        device: known(fc.constant('/dev/sdaa')),
        lun: known(fc.oneof(fc.constant('os' as const), fc.integer({ min: 0, max: 255 }))),
        version: known(fc.constant('0.1.0')),
      }),
      fc.constantFrom(METADATA_PREFIX, TAG_PREFIX),
      (membership, prefix) => {
        const values = Object.fromEntries(membershipValues(membership, prefix));
        assert.equal(membershipIn({ ...values, other: 'x' }), { ...membership });
      },
    ),
  );
});

test('the case of names does not count', () => {
  assert.is(membershipIn({ Flashfreeze_Run: 'r', FLASHFREEZE_DISK: '1 of 2' })?.restorePoint, 'r');
});

test('a snapshot of another tool, or with a broken position, says nothing', () => {
  for (const values of [
    {},
    { flashfreeze_request: 'x' },
    { flashfreeze_run: 'r' },
    { flashfreeze_run: 'r', flashfreeze_disk: '1/2' },
    { flashfreeze_run: '', flashfreeze_disk: '1 of 2' },
  ]) {
    assert.is(membershipIn(values), undefined, JSON.stringify(values));
  }
});

test.run();
