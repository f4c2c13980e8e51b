import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { freezeOrder } from '../../../src/filesystems/relations/freeze-order.ts';
import { NeedGraph, STRENGTH } from '../../../src/filesystems/relations/need-graph.ts';
import type { Relation, Via } from '../../../src/filesystems/relations/relation-types.ts';
import { suite } from '../../suite.ts';

const test = suite('order of freezing');

const named = (...devices: string[]): { device: string; mountPoint: string }[] =>
  devices.map((device) => ({ device, mountPoint: `/${device}` }));
const loop = (dependent: string, on: string): Relation => ({
  dependent,
  on,
  via: { kind: 'loop', device: 'loop3' },
});
const daemon = (kind: 'fuse' | 'fanotify', dependent: string, on: string): Relation => ({
  dependent,
  on,
  via: { kind, pid: 812, command: 'guard' },
});
const fuse = (dependent: string, on: string): Relation => daemon('fuse', dependent, on);
const asks = (dependent: string, on: string): Relation => daemon('fanotify', dependent, on);

interface Case {
  readonly name: string;
  readonly fileSystems: readonly string[];
  readonly relations: readonly Relation[];
  readonly waves: readonly (readonly string[])[];
  readonly warnings?: number;
}

const cases: readonly Case[] = [
  { name: 'nothing to freeze', fileSystems: [], relations: [], waves: [] },
  { name: 'strangers', fileSystems: ['a', 'b'], relations: [], waves: [['a', 'b']] },
  {
    name: 'an image, and strangers as late as can be',
    fileSystems: ['a', 'b', 'c'],
    relations: [loop('b', 'a')],
    waves: [['b'], ['a', 'c']],
  },
  {
    name: 'an image behind a FUSE daemon that writes elsewhere',
    fileSystems: ['a', 'b'],
    relations: [loop('b', 'served'), fuse('served', 'a')],
    waves: [['b'], ['a']],
  },
  {
    name: 'a permission daemon that writes to what lies in an image outside the plan',
    fileSystems: ['a', 'b'],
    relations: [asks('b', 'outside'), loop('outside', 'a')],
    waves: [['b'], ['a']],
  },
  {
    name: 'a daemon asked about two that writes to a third',
    fileSystems: ['a', 'b', 'log'],
    relations: [asks('a', 'log'), asks('b', 'log')],
    waves: [['a', 'b'], ['log']],
  },
  {
    name: 'a daemon asked about everything that writes to one of them',
    fileSystems: ['a', 'b', 'log'],
    relations: [asks('a', 'log'), asks('b', 'log'), asks('log', 'log')],
    waves: [['a', 'b'], ['log']],
    warnings: 1,
  },
  {
    name: 'the cycle of freeze-facts.md: the image keeps its order',
    fileSystems: ['a', 'b', 'c'],
    relations: [asks('a', 'b'), loop('b', 'served'), fuse('served', 'a')],
    waves: [['b'], ['a', 'c']],
    warnings: 1,
  },
  {
    name: 'a cycle of permission daemons: as given',
    fileSystems: ['a', 'b', 'c'],
    relations: [asks('a', 'b'), asks('b', 'c'), asks('c', 'a')],
    waves: [['a'], ['b'], ['c']],
    warnings: 1,
  },
];

for (const { name, fileSystems, relations, waves, warnings = 0 } of cases) {
  test(name, () => {
    const order = freezeOrder(named(...fileSystems), relations);
    assert.equal(
      order.waves.map((wave) => wave.map((position) => fileSystems[position])),
      waves,
    );
    assert.is(order.warnings.length, warnings);
  });
}

test('a warning names the file systems of a cycle and the process between them', () => {
  const relations = [asks('a', 'b'), loop('b', 'served'), fuse('served', 'a'), asks('c', 'b')];
  const { warnings } = freezeOrder(named('a', 'b', 'c'), relations);
  assert.equal(warnings, [
    '/a and /b need each other, through permission daemon guard (pid 812), an image (loop3), FUSE daemon guard (pid 812): they are frozen one after the other, and the freeze may have to be broken',
  ]);
});

test('a warning names who needs itself', () => {
  const [warning = ''] = freezeOrder(named('a'), [asks('a', 'a')]).warnings;
  assert.match(warning, '/a cannot be written to without itself');
  assert.match(warning, 'guard (pid 812)');
});

test('what needs something unseen comes before everything that may be it', () => {
  const { waves, thawsAfter } = freezeOrder(
    named('a', 'b', 'c', 'in-b'),
    [loop('in-b', 'b'), asks('a', 'b')],
    new Set(['b']),
  );
  // Who asks for permission on a may have to write to whatever b needs: c comes after a.
  assert.equal(waves, [[3], [1], [0], [2]]);
  assert.equal(thawsAfter, [[], [0, 2], [], [0, 1, 2]]);
});

test('what writes through another is thawed after it, whatever asks for permission', () => {
  const { thawsAfter } = freezeOrder(named('a', 'b', 'c'), [
    loop('b', 'served'),
    fuse('served', 'a'),
    asks('a', 'b'),
    asks('c', 'a'),
  ]);
  assert.equal(thawsAfter, [[], [0], []]);
});

const DEVICES = Array.from({ length: 14 }, (_, index) => `7:${index}`);
const vias: fc.Arbitrary<Via> = fc.constantFrom(
  { kind: 'loop', device: 'loop1' } as const,
  { kind: 'overlay' } as const,
  { kind: 'fuse', pid: 1, command: 'f' } as const,
  { kind: 'fanotify', pid: 2, command: 'p' } as const,
);
const inputs = fc.record({
  // Some of the devices that relations lead to and from are not frozen.
  devices: fc.uniqueArray(fc.constantFrom(...DEVICES)),
  relations: fc.array(
    fc.record({
      dependent: fc.constantFrom(...DEVICES),
      on: fc.constantFrom(...DEVICES),
      via: vias,
    }),
    { maxLength: 30 },
  ),
});

test('every file system is in one wave, and no two related ones in the same', () => {
  fc.assert(
    fc.property(inputs, ({ devices, relations }) => {
      const { waves } = freezeOrder(named(...devices), relations);
      assert.equal(
        waves.flat().sort((a, b) => a - b),
        [...devices.keys()],
      );
      const graph = new NeedGraph(relations);
      for (const wave of waves) {
        assert.ok(wave.length > 0);
        const members = wave.map((position) => devices[position] ?? '');
        for (const member of members) {
          const needed = members.filter(
            (other) => other !== member && graph.needsOf(member).has(other),
          );
          assert.equal(needed, []);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('dependents come first, except in a cycle that nothing stronger puts in order', () => {
  fc.assert(
    fc.property(inputs, ({ devices, relations }) => {
      const { waves } = freezeOrder(named(...devices), relations);
      const waveOf = (device: string): number =>
        waves.findIndex((wave) => wave.some((position) => devices[position] === device));
      for (const weakest of Object.values(STRENGTH)) {
        const graph = new NeedGraph(relations, weakest);
        const weaker = new NeedGraph(relations, weakest - 1);
        for (const [dependent, needed] of pairsOf(devices)) {
          // A relation outside of every cycle of its strength holds, unless a weaker one decided before.
          const decidedBefore = weakest > 0 && !weaker.isMutual(dependent, needed);
          if (
            graph.needsOf(dependent).has(needed) &&
            !graph.isMutual(dependent, needed) &&
            !decidedBefore
          ) {
            assert.ok(waveOf(dependent) < waveOf(needed), `${dependent} before ${needed}`);
          }
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('no wave is later than needed, none earlier than it could be', () => {
  fc.assert(
    fc.property(inputs, ({ devices, relations }) => {
      const { waves } = freezeOrder(named(...devices), relations);
      const graph = new NeedGraph(relations);
      for (const [number, wave] of waves.slice(0, -1).entries()) {
        const next = (waves[number + 1] ?? []).map((position) => devices[position] ?? '');
        for (const position of wave) {
          const device = devices[position] ?? '';
          const isHeldBack = next.some((other) => graph.needsOf(device).has(other));
          assert.ok(isHeldBack, `${device} could be frozen one wave later`);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('thaw order has no circle', () => {
  fc.assert(
    fc.property(inputs, ({ devices, relations }) => {
      const { thawsAfter } = freezeOrder(named(...devices), relations);
      const thawed = new Set<number>();
      for (let round = 0; round <= devices.length; round += 1) {
        for (const position of devices.keys()) {
          if ((thawsAfter[position] ?? []).every((other) => thawed.has(other))) {
            thawed.add(position);
          }
        }
      }
      assert.is(thawed.size, devices.length);
    }),
  );
});

test('ten thousand images on one file system take no time to speak of', () => {
  const images = Array.from({ length: 10_000 }, (_, index) => `7:${index}`);
  const { waves, thawsAfter } = freezeOrder(
    named(...images, '8:1'),
    images.map((image) => loop(image, '8:1')),
  );
  assert.equal(
    waves.map(({ length }) => length),
    [10_000, 1],
  );
  assert.equal(thawsAfter[0], [10_000]);
});

function pairsOf(devices: readonly string[]): (readonly [string, string])[] {
  return devices.flatMap((a) => devices.filter((b) => b !== a).map((b) => [a, b] as const));
}

test('names what needs each file system, by whatever relation, and leaves mutual needs out', () => {
  const { dependents } = freezeOrder(named('a', 'b', 'log', 'x', 'y'), [
    loop('a', 'served'),
    fuse('served', 'b'),
    asks('b', 'log'),
    fuse('x', 'y'),
    fuse('y', 'x'),
  ]);
  assert.equal(dependents, [[], [0], [0, 1], [], []]);
});

test.run();
