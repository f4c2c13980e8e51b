import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { advance, initialState } from '../../../src/backup/schedule/advance.ts';
import type {
  ScheduleAction,
  ScheduleEvent,
  ScheduleInput,
} from '../../../src/backup/schedule/schedule-types.ts';
import { suite } from '../../suite.ts';
import { type Chance, type Occurrence, simulate } from './simulation.ts';

const test = suite('schedule rule');

/** 1–70 disks; file systems over several disks, several on a disk, in images; unmatched targets. */
const inputs: fc.Arbitrary<ScheduleInput> = fc
  .record({
    disks: fc.integer({ min: 1, max: 70 }),
    fileSystems: fc.array(
      fc.record({
        disks: fc.uniqueArray(fc.nat(69), { minLength: 1, maxLength: 4 }),
        imageOn: fc.option(fc.nat(69), { nil: undefined }),
      }),
      { maxLength: 80 },
    ),
    unmatched: fc.uniqueArray(fc.nat(69)),
    barrierOnly: fc.boolean(),
    sequential: fc.boolean(),
  })
  .map(({ disks, fileSystems: drawn, unmatched, barrierOnly, sequential }) => {
    // An image lies on a file system drawn before it; the same disks are underneath both.
    const fileSystems: { disks: number[]; imageOn: number | undefined; depth: number }[] = [];
    for (const { disks: own, imageOn } of drawn) {
      const holder = imageOn === undefined ? undefined : fileSystems[imageOn];
      fileSystems.push({
        disks: holder?.disks ?? [...new Set(own.map((disk) => disk % disks))],
        imageOn: holder === undefined ? undefined : imageOn,
        depth: holder === undefined ? 0 : holder.depth + 1,
      });
    }
    const all = fileSystems.map((_, index) => index);
    const deepest = Math.max(0, ...fileSystems.map(({ depth }) => depth));
    const isUnmatched = (disk: number): boolean => unmatched.includes(disk);
    const anyUnmatched = unmatched.some((disk) => disk < disks);
    return {
      sequential,
      waves: Array.from({ length: deepest + 1 }, (_, level) =>
        all.filter((index) => fileSystems[index]?.depth === deepest - level),
      ),
      targets: Array.from({ length: disks }, (_, disk) => ({
        needs:
          barrierOnly || isUnmatched(disk)
            ? all
            : all.filter((index) => fileSystems[index]?.disks.includes(disk)),
      })),
      fileSystems: fileSystems.map(({ disks: own, imageOn }) => ({
        awaits:
          anyUnmatched && own.some(isUnmatched)
            ? Array.from({ length: disks }, (_, disk) => disk)
            : own,
        thawsAfter: imageOn === undefined ? [] : [imageOn],
      })),
    };
  });

function chanceFrom(random: () => number, trouble: boolean): Chance {
  return {
    pick: (count) => Math.floor(random() * count),
    freezeFails: () => trouble && random() < 0.02,
    requestFails: () => trouble && random() < 0.1,
    abortsNow: () => trouble && random() < 0.01,
    thawsUnasked: () => trouble && random() < 0.005,
    turnsSlowNow: () => random() < 0.05,
  };
}

/** A small deterministic generator, so that a failing case can be replayed from its seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function forEveryRun(
  trouble: boolean,
  check: (input: ScheduleInput, occurrences: readonly Occurrence[]) => void,
): void {
  fc.assert(
    fc.property(inputs, fc.integer(), (input, seed) => {
      const { occurrences, state } = simulate(input, chanceFrom(mulberry32(seed), trouble));
      assert.is(state.phase, 'ended');
      check(input, occurrences);
    }),
    { numRuns: 300 },
  );
}

/** Position of the first match; `Infinity` if there is none. */
function positionOf(
  occurrences: readonly Occurrence[],
  fits: (occurrence: Occurrence) => boolean,
): number {
  const index = occurrences.findIndex(fits);
  return index === -1 ? Number.POSITIVE_INFINITY : index;
}

const isEvent =
  (kind: ScheduleEvent['kind'], of: number) =>
  (it: Occurrence): boolean =>
    it.at === 'event' &&
    it.event.kind === kind &&
    ('fileSystem' in it.event
      ? it.event.fileSystem === of
      : 'target' in it.event && it.event.target === of);

const isAction =
  (kind: ScheduleAction['kind'], of?: number) =>
  (it: Occurrence): boolean =>
    it.at === 'action' &&
    it.action.kind === kind &&
    (of === undefined ||
      ('fileSystems' in it.action
        ? it.action.fileSystems.includes(of)
        : 'targets' in it.action && it.action.targets.includes(of)));

test('never fires a target before every file system it needs is frozen', () => {
  forEveryRun(true, (input, occurrences) => {
    for (const [target, { needs }] of input.targets.entries()) {
      const fired = positionOf(occurrences, isAction('fire', target));
      for (const fileSystem of fired === Number.POSITIVE_INFINITY ? [] : needs) {
        assert.ok(positionOf(occurrences, isEvent('frozen', fileSystem)) < fired);
      }
    }
  });
});

test('on success never thaws before the barrier and the answers awaited', () => {
  forEveryRun(false, (input, occurrences) => {
    const barrier = positionOf(occurrences, isAction('barrier'));
    for (const [index, { awaits }] of input.fileSystems.entries()) {
      const thawed = positionOf(occurrences, isAction('thaw', index));
      assert.ok(barrier < thawed);
      for (const target of awaits) {
        assert.ok(positionOf(occurrences, isEvent('acknowledged', target)) < thawed);
      }
    }
  });
});

test('on success thaws a file system in an image only after the one that holds it', () => {
  forEveryRun(false, (input, occurrences) => {
    for (const [index, { thawsAfter }] of input.fileSystems.entries()) {
      for (const holder of thawsAfter) {
        const holderThawed = positionOf(occurrences, isEvent('thaw-ended', holder));
        assert.ok(holderThawed < positionOf(occurrences, isAction('thaw', index)));
      }
    }
  });
});

test('thaws every file system that was frozen or freezing exactly once, whatever happens', () => {
  forEveryRun(true, (input, occurrences) => {
    for (const index of input.fileSystems.keys()) {
      const began = occurrences.filter(isAction('freeze', index)).length;
      const refused = occurrences.filter(isEvent('freeze-failed', index)).length;
      const thaws = occurrences.filter(isAction('thaw', index)).length;
      const ended = positionOf(occurrences, isEvent('thaw-ended', index));
      const byOthers = ended < positionOf(occurrences, isAction('thaw', index)) ? 1 : 0;
      assert.ok(began <= 1 && thaws <= began, 'thawed something that was never frozen');
      assert.ok(thaws + refused + byOthers >= began, 'left something frozen');
      assert.ok(thaws + byOthers <= 1, 'thawed what others had thawed');
    }
  });
});

test('on success fires every target exactly once', () => {
  forEveryRun(false, (input, occurrences) => {
    for (const target of input.targets.keys()) {
      assert.is(occurrences.filter(isAction('fire', target)).length, 1);
    }
  });
});

test('starts a wave only when the one before it is frozen as a whole', () => {
  forEveryRun(true, (input, occurrences) => {
    for (const [level, wave] of input.waves.slice(1).entries()) {
      for (const index of wave) {
        const began = positionOf(occurrences, isAction('freeze', index));
        for (const earlier of began === Number.POSITIVE_INFINITY
          ? []
          : (input.waves[level] ?? [])) {
          assert.ok(positionOf(occurrences, isEvent('frozen', earlier)) < began);
        }
      }
    }
  });
});

test('cancels requests in flight when it aborts, and fires nothing more', () => {
  forEveryRun(true, (_, occurrences) => {
    const aborted = positionOf(
      occurrences,
      (it) => it.at === 'event' && (it.event.kind === 'abort' || it.event.kind === 'freeze-failed'),
    );
    assert.is(occurrences.slice(aborted).filter(isAction('fire')).length, 0);
  });
});

test('sends one request after the other if the input is sequential', () => {
  forEveryRun(true, (input, occurrences) => {
    let inFlight = 0;
    for (const it of input.sequential ? occurrences : []) {
      if (it.at === 'action' && it.action.kind === 'fire') {
        inFlight += it.action.targets.length;
      } else if (it.at === 'event' && 'target' in it.event) {
        inFlight -= 1;
      }
      assert.ok(inFlight <= 1);
    }
  });
});

test('fires before the barrier only if the freeze is slow, and then at once', () => {
  const threeDisks: ScheduleInput = {
    fileSystems: [
      { awaits: [0], thawsAfter: [] },
      { awaits: [1], thawsAfter: [] },
      { awaits: [2], thawsAfter: [] },
    ],
    targets: [{ needs: [0] }, { needs: [1] }, { needs: [2] }],
    sequential: false,
    waves: [[0, 1, 2]],
  };
  assert.equal(
    play(threeDisks, [
      { kind: 'start' },
      { kind: 'frozen', fileSystem: 1 },
      { kind: 'freeze-is-slow' },
      { kind: 'frozen', fileSystem: 0 },
      { kind: 'frozen', fileSystem: 2 },
    ]),
    [
      [{ kind: 'freeze', fileSystems: [0, 1, 2] }],
      [],
      [{ kind: 'fire', targets: [1] }],
      [{ kind: 'fire', targets: [0] }],
      [{ kind: 'fire', targets: [2] }, { kind: 'barrier' }],
    ],
  );
});

const oneDisk: ScheduleInput = {
  fileSystems: [{ awaits: [0], thawsAfter: [] }],
  targets: [{ needs: [0] }],
  sequential: false,
  waves: [[0]],
};

function play(input: ScheduleInput, events: readonly ScheduleEvent[]): ScheduleAction[][] {
  let state = initialState(input);
  return events.map((event) => {
    const step = advance(state, event);
    state = step.state;
    return [...step.actions];
  });
}

test('plays one disk from start to end', () => {
  assert.equal(
    play(oneDisk, [
      { kind: 'start' },
      { kind: 'frozen', fileSystem: 0 },
      { kind: 'acknowledged', target: 0 },
      { kind: 'thaw-ended', fileSystem: 0 },
    ]),
    [
      [{ kind: 'freeze', fileSystems: [0] }],
      [{ kind: 'fire', targets: [0] }, { kind: 'barrier' }],
      [{ kind: 'thaw', fileSystems: [0] }],
      [{ kind: 'end' }],
    ],
  );
});

test('fires and ends without any file system: a crash-consistent snapshot', () => {
  const input: ScheduleInput = {
    fileSystems: [],
    targets: [{ needs: [] }],
    sequential: false,
    waves: [],
  };
  assert.equal(play(input, [{ kind: 'start' }, { kind: 'acknowledged', target: 0 }]), [
    [{ kind: 'fire', targets: [0] }, { kind: 'barrier' }],
    [{ kind: 'end' }],
  ]);
});

test('ends the run after a thaw that the schedule did not order', () => {
  assert.equal(
    play(oneDisk, [
      { kind: 'start' },
      { kind: 'frozen', fileSystem: 0 },
      { kind: 'thaw-ended', fileSystem: 0 },
      { kind: 'target-failed', target: 0 },
    ]),
    [
      [{ kind: 'freeze', fileSystems: [0] }],
      [{ kind: 'fire', targets: [0] }, { kind: 'barrier' }],
      [{ kind: 'cancel-requests' }],
      [{ kind: 'end' }],
    ],
  );
});

test('thaws a freeze that has not returned when it aborts', () => {
  assert.equal(play(oneDisk, [{ kind: 'start' }, { kind: 'abort' }]), [
    [{ kind: 'freeze', fileSystems: [0] }],
    [{ kind: 'thaw', fileSystems: [0] }],
  ]);
});

test.run();
