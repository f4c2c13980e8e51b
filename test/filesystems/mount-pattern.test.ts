import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { matchesMount, type Patterned } from '../../src/filesystems/mount-pattern.ts';
import { suite } from '../suite.ts';

const test = suite('patterns of mount points');

function mounted(mountPoint: string, more: readonly string[] = []): Patterned {
  return { type: 'ext4', mountPoints: [mountPoint, ...more], disks: () => ['sdb', 'nvme0n2'] };
}

for (const [pattern, matching, others] of [
  ['/data', ['/data'], ['/data2', '/data/x', '/', '/Data']],
  ['//data/.', ['/data'], ['/data/x']],
  ['/', ['/'], ['/data']],
  [
    '/scratch/*',
    ['/scratch/a', '/scratch/.hidden', '/scratch/a b'],
    ['/scratch', '/scratch/a/b', '/x/scratch/a'],
  ],
  ['/*', ['/data'], ['/', '/data/x']],
  ['/**', ['/', '/data', '/data/x'], []],
  ['/scratch*', ['/scratch', '/scratch2', '/scratchy'], ['/scratch/a']],
  ['/scratch/**', ['/scratch', '/scratch/a', '/scratch/a/b'], ['/scratch2', '/x/scratch']],
  ['/**/cache', ['/cache', '/var/cache', '/a/b/cache'], ['/var/cache/x', '/var/mycache']],
  ['/disk?', ['/disk1', '/diskx'], ['/disk', '/disk10', '/disk/']],
  ['/disk[0-3]', ['/disk0', '/disk3'], ['/disk4', '/disk[0-3]x']],
  ['/disk[!0-3]', ['/disk4', '/diskx'], ['/disk0']],
  ['/disk[3-0]', ['/disk3', '/disk-', '/disk0'], ['/disk1']],
  ['/a.c*', ['/a.c', '/a.cd'], ['/abc']],
  ['/a+(b)*', ['/a+(b)', '/a+(b)c'], ['/aab']],
  ['/odd[', ['/odd['], ['/odd']],
  ['type:ext4', ['/anything'], []],
  ['type:ext*', ['/anything'], []],
  ['type:xfs', [], ['/anything']],
  ['type:', [], ['/anything']],
  ['disk:sdb', ['/anything'], []],
  ['disk:/dev/sdb', ['/anything'], []],
  ['disk:nvme0n*', ['/anything'], []],
  ['disk:sd', [], ['/anything']],
  ['disk:sd[c-z]', [], ['/anything']],
  ['label:x', [], ['/anything']],
  ['data', [], ['/data']],
  ['', [], ['/']],
] as const) {
  test(`"${pattern}" matches ${matching.join(' ') || 'nothing'}, and not ${others.join(' ') || 'nothing'}`, () => {
    for (const it of matching) {
      assert.is(matchesMount(pattern, mounted(it)), true, it);
    }
    for (const it of others) {
      assert.is(matchesMount(pattern, mounted(it)), false, it);
    }
  });
}

test('any of the mount points of a file system counts', () => {
  assert.is(matchesMount('/b*', mounted('/data', ['/bind'])), true);
});

test('disks are looked up only if a pattern speaks of them', () => {
  const it: Patterned = {
    type: 'xfs',
    mountPoints: ['/data'],
    disks: () => {
      throw new Error('looked up');
    },
  };
  assert.is(matchesMount('/x*', it), false);
  assert.throws(() => matchesMount('disk:x', it), 'looked up');
});

test('a class may have hyphens and backslashes anywhere', () => {
  for (const [pattern, names, others] of [
    ['/[\\--]', ['/\\', '/-'], ['/a']],
    ['/[-a]', ['/-', '/a'], ['/b']],
    ['/[a-c-e]', ['/b', '/-', '/e'], ['/d']],
    ['/[c-a]', ['/a', '/-', '/c'], ['/b']],
    ['/[!-^]', ['/a'], ['/-', '/^']],
  ] as const) {
    for (const name of [...names, ...others]) {
      const isOne = (names as readonly string[]).includes(name);
      assert.is(matchesMount(pattern, mounted(name)), isOne, `${pattern} ${name}`);
    }
  }
});

test('a mount point that is spelt like a pattern can be named, whatever its characters', () => {
  const names = fc
    .string({ unit: fc.constantFrom(...'ab*?[]!^-\\{}+.:$'), minLength: 1 })
    .filter((it) => !['.', '..'].includes(it));
  fc.assert(
    fc.property(names, names, (name, other) => {
      const path = `/m/${name}`;
      assert.is(matchesMount(path, mounted(path)), true);
      matchesMount(path, mounted(`/m/${other}`));
    }),
  );
});

test.run();
