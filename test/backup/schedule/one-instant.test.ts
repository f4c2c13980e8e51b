import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { ScheduleAction, ScheduleEvent } from '../../../src/backup/schedule/schedule-types.ts';
import { scheduleInput } from '../../../src/backup/schedule/topology.ts';
import type { Plan } from '../../../src/filesystems/plan-types.ts';
import { suite } from '../../suite.ts';
import { type Occurrence, simulate } from './simulation.ts';

const test = suite('one instant');

interface Machine {
  readonly plan: Plan;
  /** For each target the disk that is really behind it. */
  readonly diskBehind: readonly string[];
  /** What the matching found of that. */
  readonly diskOfTarget: readonly (string | undefined)[];
}

/** Disks with and without file systems and targets, file systems over several disks, unmatched targets. */
const machines: fc.Arbitrary<Machine> = fc
  .record({
    disks: fc.integer({ min: 1, max: 12 }),
    fileSystems: fc.array(
      fc.record({
        disks: fc.uniqueArray(fc.nat(11), { maxLength: 3 }),
        wave: fc.nat(2),
      }),
      { maxLength: 16 },
    ),
    targets: fc.uniqueArray(fc.nat(11), { minLength: 1 }),
    unmatched: fc.uniqueArray(fc.nat(11), { maxLength: 2 }),
  })
  .map(({ disks, fileSystems, targets, unmatched }) => {
    const nameOf = (disk: number): string => `disk${disk % disks}`;
    const diskBehind = [...new Set(targets.map(nameOf))];
    const unknown = new Set(unmatched.map(nameOf));
    return {
      plan: {
        fileSystems: fileSystems.map((it, index) => ({
          device: `8:${index}`,
          type: 'ext4',
          source: '/dev/x',
          mountPoint: `/${index}`,
          mountPoints: [`/${index}`],
          disks: [...new Set(it.disks.map(nameOf))],
          imageOn: undefined,
        })),
        waves: [0, 1, 2].map((wave) =>
          fileSystems.flatMap((it, index) => (it.wave === wave ? [index] : [])),
        ),
        // What is frozen before another may be written through it; every third is.
        thawsAfter: fileSystems.map(({ wave }, index) =>
          index % 3 === 0
            ? fileSystems.flatMap((other, at) => (other.wave > wave ? [at] : []))
            : [],
        ),
        disks: [],
        excluded: [],
      },
      diskBehind,
      diskOfTarget: diskBehind.map((disk) => (unknown.has(disk) ? undefined : disk)),
    };
  });

/** Every answer comes some time, in any order; some are refusals. */
const runs = fc.record({
  machine: machines,
  fire: fc.constantFrom('early' as const, 'barrier' as const),
  sequential: fc.boolean(),
  share: fc.constantFrom(0, 0.3),
  chances: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
});

function play(
  { plan, diskOfTarget }: Machine,
  rules: Parameters<typeof scheduleInput>[2],
  share: number,
  chances: Iterator<number>,
): readonly Occurrence[] {
  const random = (): number => chances.next().value ?? 0;
  const { occurrences, state } = simulate(scheduleInput(plan, diskOfTarget, rules), {
    pick: (count) => Math.floor(random() * count),
    freezeFails: () => false,
    requestFails: () => random() < share,
    abortsNow: () => false,
    thawsUnasked: () => false,
    turnsSlowNow: () => random() < 0.2,
  });
  assert.is(state.phase, 'ended');
  return occurrences;
}

/** Position of the last event or action of a kind, by file system or target. */
function positionsOf(
  occurrences: readonly Occurrence[],
  kind: 'frozen' | 'thaw' | 'fire' | 'acknowledged',
): ReadonlyMap<number, number> {
  return new Map(
    occurrences.flatMap((it, at) => {
      const what = it.at === 'event' ? it.event : it.action;
      return what.kind === kind ? indexesIn(what).map((index) => [index, at] as const) : [];
    }),
  );
}

function indexesIn(what: ScheduleEvent | ScheduleAction): readonly number[] {
  if ('fileSystems' in what) {
    return what.fileSystems;
  }
  if ('targets' in what) {
    return what.targets;
  }
  return 'fileSystem' in what ? [what.fileSystem] : 'target' in what ? [what.target] : [];
}

test('no disk changes between the request for its snapshot, the barrier and the answer, whatever the others answer', () => {
  fc.assert(
    fc.property(runs, ({ machine, fire, sequential, share, chances }) => {
      const occurrences = play(machine, { fire, sequential }, share, chances[Symbol.iterator]());
      const frozen = positionsOf(occurrences, 'frozen');
      const thawed = positionsOf(occurrences, 'thaw');
      const fired = positionsOf(occurrences, 'fire');
      const barrier = Math.max(-1, ...frozen.values());
      assert.is(fired.size, machine.diskBehind.length);
      for (const [target, answeredAt] of positionsOf(occurrences, 'acknowledged')) {
        const firedAt = fired.get(target) ?? -1;
        const disk = machine.diskBehind[target] ?? '';
        const own = machine.plan.fileSystems.flatMap(({ disks }, index) =>
          disks.includes(disk) ? [index] : [],
        );
        for (const index of own) {
          assert.ok((frozen.get(index) ?? Number.POSITIVE_INFINITY) < firedAt, 'fired too early');
          const thawedAt = thawed.get(index) ?? Number.NEGATIVE_INFINITY;
          assert.ok(Math.max(answeredAt, barrier) < thawedAt, 'thawed too early');
        }
        assert.ok(own.length > 0 || barrier < firedAt, 'a disk of raw data before the barrier');
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
