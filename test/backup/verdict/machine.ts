import fc from 'fast-check';
import type { Behind } from '../../../src/backup/whole-set/behind.ts';
import type { SetWishes } from '../../../src/backup/whole-set/find-gaps.ts';
import type { FireRule } from '../../../src/config/vmbackup.ts';
import type { ExclusionReason } from '../../../src/filesystems/plan-types.ts';

/** One write as its writer plans it; a writer on a frozen file system begins it later, or not at all. */
export interface Write {
  readonly at: number;
  readonly length: number;
  /** At which part of its length the disk holds it, in percent. */
  readonly appliedAt: number;
}

export interface MachineDisk {
  readonly name: string;
  /** False: the kernel keeps no counters of it. */
  readonly isCounted: boolean;
  /** A write takes one of two. */
  readonly isMultipath: boolean;
  /** Writes directly to the disk, below its file systems, if it has any. */
  readonly raw: readonly Write[];
  readonly swap: readonly Write[];
}

/** `since`: mounted after the plan was made; `remounted`: read-only at that time. */
export type Fate = 'plan' | ExclusionReason | 'since' | 'remounted';

export interface MachineFileSystem {
  readonly fate: Fate;
  readonly disks: readonly string[];
  /** On which disks it is found after the thaw. */
  readonly disksAfter: readonly string[];
  readonly wave: number;
  readonly freezeTakes: number;
  readonly isRefused: boolean;
  readonly thawTakes: number;
  readonly writes: readonly (Write & { readonly disk: string })[];
}

export interface MachineTarget {
  /** The disk that its blob is really that of; undefined: another machine's. */
  readonly truth: string | undefined;
  readonly behind: Behind;
  readonly leavesAfter: number;
  readonly takenAfter: number;
  readonly answeredAfter: number;
  readonly heardAfter: number;
  readonly fails: boolean;
}

/** A machine, what happens to it, and what is asked of the tool. Times are whole numbers without a unit. */
export interface Machine {
  readonly disks: readonly MachineDisk[];
  readonly fileSystems: readonly MachineFileSystem[];
  readonly targets: readonly MachineTarget[];
  readonly wishes: SetWishes;
  readonly fire: FireRule;
  readonly sequential: boolean;
  readonly turnsSlowAt: number | undefined;
  readonly abortsAt: number | undefined;
}

/** Writers write from 0 on until then; by then nearly every window has ended. */
const HORIZON = 600;
export const STARTS_AT = 100;
/** In most runs the snapshots are taken until then. */
const MOSTLY_UNTIL = 250;
const MOST_DISKS = 5;

const anyWrite: fc.Arbitrary<Write> = fc.record({
  at: fc.oneof(fc.nat(HORIZON), fc.integer({ min: STARTS_AT, max: MOSTLY_UNTIL })),
  length: fc.integer({ min: 1, max: 40 }),
  appliedAt: fc.nat(100),
});

/** Mostly none. */
function seldom<Item>(item: fc.Arbitrary<Item>, weight: number): fc.Arbitrary<readonly Item[]> {
  return fc.oneof(
    { weight: 100 - weight, arbitrary: fc.constant([]) },
    { weight, arbitrary: fc.array(item, { minLength: 1, maxLength: 4 }) },
  );
}

/** Given that often of a hundred times. */
function rarely<Item>(weight: number, item: fc.Arbitrary<Item>): fc.Arbitrary<Item | undefined> {
  return fc.oneof(
    { weight: 100 - weight, arbitrary: fc.constant(undefined) },
    { weight, arbitrary: item },
  );
}

/** True that often of a hundred times; shrinks to false. */
function chance(weight: number): fc.Arbitrary<boolean> {
  return fc.nat(99).map((it) => it >= 100 - weight);
}

const anyDisk = fc.record({
  isUncounted: chance(15),
  isMultipath: chance(15),
  raw: seldom(anyWrite, 15),
  swap: seldom(anyWrite, 20),
  /** What blob of it is given, if any. */
  blob: fc.constantFrom('matched', 'matched', 'matched', 'matched', 'unmatched', 'none'),
  candidates: fc.uniqueArray(fc.nat(MOST_DISKS - 1), { maxLength: 2 }),
});

const anyTiming = fc.record({
  leavesAfter: fc.integer({ min: 1, max: 20 }),
  takenAfter: fc.nat(60),
  answeredAfter: fc.nat(60),
  heardAfter: fc.nat(20),
  fails: chance(3),
});

const FATES: readonly { readonly weight: number; readonly fate: Fate }[] = [
  { weight: 75, fate: 'plan' },
  { weight: 4, fate: 'not-freezable' },
  { weight: 3, fate: 'skipped' },
  { weight: 3, fate: 'not-selected' },
  { weight: 3, fate: 'other-namespace' },
  { weight: 1, fate: 'no-mount' },
  { weight: 3, fate: 'read-only' },
  { weight: 2, fate: 'hidden' },
  { weight: 3, fate: 'since' },
  { weight: 2, fate: 'remounted' },
];

const anyFileSystem = fc.record({
  fate: fc.oneof(...FATES.map(({ weight, fate }) => ({ weight, arbitrary: fc.constant(fate) }))),
  disks: fc.uniqueArray(fc.nat(MOST_DISKS - 1), { minLength: 1, maxLength: 2 }),
  movesTo: rarely(4, fc.nat(MOST_DISKS - 1)),
  wave: fc.nat(1),
  freezeTakes: fc.integer({ min: 1, max: 60 }),
  isRefused: chance(1),
  thawTakes: fc.integer({ min: 1, max: 10 }),
  writes: fc.array(fc.tuple(anyWrite, fc.nat(1)), { maxLength: 5 }),
});

const anyParts = fc.record({
  disks: fc.array(fc.tuple(anyDisk, anyTiming), { minLength: 1, maxLength: MOST_DISKS }),
  fileSystems: fc.array(anyFileSystem, { minLength: 1, maxLength: 6 }),
  foreign: rarely(
    10,
    fc.record({
      timing: anyTiming,
      /** What it is taken for; undefined: it is seen to be of no disk. */
      candidates: rarely(70, fc.uniqueArray(fc.nat(MOST_DISKS - 1), { maxLength: 2 })),
    }),
  ),
  isPartial: chance(25),
  toleratesForeign: fc.boolean(),
  includedLuns: rarely(10, fc.uniqueArray(fc.nat(MOST_DISKS - 1), { minLength: 1 })),
  fire: fc.constantFrom('early' as const, 'barrier' as const),
  sequential: chance(30),
  turnsSlowAt: rarely(50, fc.integer({ min: 101, max: 200 })),
  abortsAt: rarely(5, fc.integer({ min: 101, max: 400 })),
});

type Parts = typeof anyParts extends fc.Arbitrary<infer P> ? P : never;

/** Machines of every kind; some of them in order, many not. */
export const machines: fc.Arbitrary<Machine> = anyParts.map((parts) => {
  const nameOf = (disk: number): string => `sd${'abcde'[disk % parts.disks.length]}`;
  const fileSystems = parts.fileSystems.map((it, index) =>
    // Without anything to freeze there is no run.
    fileSystemOf(index === 0 ? { ...it, fate: 'plan' } : it, nameOf),
  );
  const { isPartial, includedLuns, toleratesForeign, fire, sequential } = parts;
  return {
    disks: parts.disks.map(([disk], index) => diskOf(disk, nameOf(index), fileSystems)),
    fileSystems,
    targets: targetsOf(parts, nameOf),
    wishes: { isPartial, toleratesForeign, includedLuns },
    fire,
    sequential,
    turnsSlowAt: parts.turnsSlowAt,
    abortsAt: parts.abortsAt,
  };
});

function fileSystemOf(
  it: Parts['fileSystems'][number],
  nameOf: (disk: number) => string,
): MachineFileSystem {
  const disks = namesOf(it.disks, nameOf);
  const isMoved = it.fate === 'plan' && it.movesTo !== undefined;
  return {
    ...it,
    disks,
    disksAfter: isMoved ? namesOf([it.movesTo ?? 0], nameOf) : disks,
    writes:
      it.fate === 'read-only'
        ? []
        : it.writes.map(([write, which]) => ({
            ...write,
            disk: disks[which % disks.length] ?? '',
          })),
  };
}

function namesOf(disks: readonly number[], nameOf: (disk: number) => string): string[] {
  return [...new Set(disks.map(nameOf))].sort();
}

/**
 * Without counters, writes below a frozen file system are invisible: the verdict then relies on the known content of
 * the disk (design, law 5). So such disks get no unknown writers.
 */
function diskOf(
  { isUncounted, isMultipath, raw, swap }: Parts['disks'][number][0],
  name: string,
  fileSystems: readonly MachineFileSystem[],
): MachineDisk {
  const isFrozen = fileSystems.some(({ fate, disks }) => fate === 'plan' && disks.includes(name));
  const isCounted = !isUncounted;
  return { name, isCounted, isMultipath, raw: isCounted || !isFrozen ? raw : [], swap };
}

function targetsOf(
  { disks, foreign }: Parts,
  nameOf: (disk: number) => string,
): readonly MachineTarget[] {
  const own = disks.flatMap(([{ blob, candidates }, timing], index): MachineTarget[] => {
    const truth = nameOf(index);
    switch (blob) {
      case 'none':
        return [];
      case 'unmatched': {
        const behind = { kind: 'one-of', disks: namesOf([index, ...candidates], nameOf) } as const;
        return [{ ...timing, truth, behind }];
      }
      default:
        return [{ ...timing, truth, behind: { kind: 'disk', disk: truth } }];
    }
  });
  if (foreign === undefined && own.length > 0) {
    return own;
  }
  const { timing, candidates } = foreign ?? NEVER_MIND;
  const behind: Behind =
    candidates === undefined
      ? { kind: 'foreign' }
      : { kind: 'one-of', disks: namesOf(candidates, nameOf) };
  return [...own, { ...timing, truth: undefined, behind }];
}

const NEVER_MIND = {
  timing: { leavesAfter: 1, takenAfter: 1, answeredAfter: 1, heardAfter: 1, fails: false },
  candidates: undefined,
};
