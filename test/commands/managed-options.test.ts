import { Command } from 'commander';
import * as assert from 'uvu/assert';
import {
  addManagedOptions,
  managedWishesOf,
  type RawManagedOptions,
  wantedLuns,
} from '../../src/commands/managed-options.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import type { ManagedWishes } from '../../src/snapshot/managed/managed-set.ts';
import { suite } from '../suite.ts';

const test = suite('options of managed disks');
const CLIENT = '12345678-1234-1234-1234-1234567890ab';

function parse(words: readonly string[], beside: Record<string, unknown> = {}) {
  const command = addManagedOptions(new Command('x')).exitOverride();
  command.configureOutput({ writeErr: () => {} });
  command.parse(['--', ...words].slice(1), { from: 'user' });
  return managedWishesOf(command.opts<RawManagedOptions>(), beside);
}

test('everything has a default', () => {
  assert.equal(parse(['--managed']), {
    ...{ group: undefined, namePrefix: undefined, tags: [], clientId: undefined },
    ...{ includeLuns: undefined, excludeLuns: [] },
  });
  assert.is(parse([]), undefined);
});

test('every option is taken', () => {
  const words = ['--resource-group', 'backup', '--name-prefix', 'nightly', '--identity', CLIENT];
  const tags = ['--tag', 'a=1', '--tag', 'b=x=y', '--tag', 'c='];
  const luns = ['--include-lun', 'os', '--include-lun', '3'];
  assert.equal(parse(['--managed', ...words, ...tags, ...luns]), {
    ...{ group: 'backup', namePrefix: 'nightly', clientId: CLIENT },
    tags: [
      ['a', '1'],
      ['b', 'x=y'],
      ['c', ''],
    ],
    ...{ includeLuns: [-1, 3], excludeLuns: [] },
  });
});

test('a restore point is made in a collection, without tags', () => {
  assert.is(parse(['--managed', '--restore-point', 'daily_1.x'])?.restorePoint, 'daily_1.x');
});

test('mistakes are refused before anything else happens', () => {
  const table: [words: string[], says: RegExp][] = [
    [['--tag', 'a=1'], /--tag: expected together with --managed/],
    [['--identity', CLIENT], /--identity: expected together with --managed/],
    [['--managed', '--tag', 'a'], /expected name=value/],
    [['--managed', '--tag', '=v'], /expected name=value/],
    [['--managed', '--tag', 'azure-x=1'], /does not begin with/],
    [['--managed', '--tag', 'a=1', '--tag', 'A=2'], /twice/],
    [['--managed', '--name-prefix', 'a b'], /--name-prefix a b: expected/],
    [['--managed', '--resource-group', '/subscriptions/x'], /not an id/],
    [['--managed', '--resource-group', ''], /\(empty\)/],
    [['--restore-point', 'daily'], /--restore-point: expected together with --managed/],
    [['--managed', '--restore-point', 'a/b'], /--restore-point a\/b: expected the name/],
    [['--managed', '--restore-point', ''], /\(empty\)/],
    [['--managed', '--restore-point', 'c', '--tag', 'a=1'], /--tag: expected without/],
    [['--managed', '--identity', 'me'], /expected a client id/],
    [['--managed', '--include-lun', '64'], /expected 0 to 63, or os/],
    [['--managed', '--exclude-lun', '-1'], /expected 0 to 63, or os/],
    [['--managed', '--exclude-lun', ''], /expected 0 to 63, or os/],
  ];
  for (const [words, says] of table) {
    try {
      parse(words);
      assert.unreachable(words.join(' '));
    } catch (error) {
      assert.ok(error instanceof FlashfreezeError, String(error));
      assert.match(error instanceof FlashfreezeError ? error.message : '', says);
      assert.is(error instanceof FlashfreezeError && error.exitCode, 2);
    }
  }
});

test('blobs and managed disks do not go together', () => {
  try {
    parse(['--managed'], { '--disk': undefined, '--blob': ['https://secret'] });
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), '--blob: expected without --managed');
    assert.not.match(String(error), 'secret');
  }
});

test('the set has to contain the disks that are asked for', () => {
  const wishes: ManagedWishes = {
    ...{ group: undefined, namePrefix: undefined, tags: [], clientId: undefined },
    ...{ includeLuns: undefined, excludeLuns: [] },
  };
  assert.is(wantedLuns(wishes), undefined);
  assert.equal(wantedLuns({ ...wishes, includeLuns: [-1, 2] }), [-1, 2]);
  const without = wantedLuns({ ...wishes, excludeLuns: [-1, 0] });
  assert.equal([without?.[0], without?.length], [1, 63]);
});

test.run();
