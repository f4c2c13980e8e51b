import { parseArgs } from 'node:util';
import type { FireRule } from '../../src/config/vmbackup.ts';
import { seededRandom } from '../../src/lab/blob-server/random.ts';
import type { DiskSpec, LabFileSystemType } from '../../src/lab/disks.ts';
import { MOST_MANAGED_DISKS } from '../../src/lab/lab-vm.ts';
import { DEFAULT_LANES } from '../../src/snapshot/blob/lane-pool.ts';
import { parseCount } from '../../test/options.ts';
import type { Chain } from './order.ts';

/** One proof, as asked for on the command line. */
export interface Scenario {
  readonly snapshots: number;
  readonly disks: number;
  /** Besides: disks without a file system, onto which the writers write directly, and one writer that knows only these. */
  readonly raw: number;
  /** Ordered writers; with one alone nothing is written any more as soon as it meets a frozen disk. */
  readonly chains: number;
  readonly latencyMs: { readonly from: number; readonly to: number };
  readonly seed: number;
  /** False for the negative control: the same requests without a freeze. */
  readonly freeze: boolean;
  readonly fire: FireRule;
  /** Threads that send requests. */
  readonly lanes: number;
  /** The disks are managed disks of a VM, not page blobs. */
  readonly managed: boolean;
  /** For another negative control: instead of flashfreeze, a tool that thaws when its requests are accepted. */
  readonly thawAt202: boolean;
}

export const DEFAULT_SCENARIO: Scenario = {
  snapshots: 20,
  disks: 12,
  raw: 0,
  chains: 3,
  latencyMs: { from: 5, to: 300 },
  seed: 1,
  freeze: true,
  fire: 'early',
  lanes: DEFAULT_LANES,
  managed: false,
  thawAt202: false,
};

const LIMITS = { snapshots: 100_000, disks: 64, raw: 16, chains: 16, lanes: 16, seed: 2 ** 32 - 1 };

/** For parseArgs. */
export const OPTIONS = {
  snapshots: { type: 'string' },
  disks: { type: 'string' },
  raw: { type: 'string' },
  chains: { type: 'string' },
  latency: { type: 'string' },
  seed: { type: 'string' },
  fire: { type: 'string' },
  lanes: { type: 'string' },
  'no-freeze': { type: 'boolean' },
  managed: { type: 'boolean' },
  'thaw-at-202': { type: 'boolean' },
} as const;

/** As parseArgs reads them. */
type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

/** Throws RangeError or TypeError with a message for people. */
export function parseScenario(argv: readonly string[]): Scenario {
  const { values } = parseArgs({ args: [...argv], allowPositionals: false, options: OPTIONS });
  return scenarioOf(values);
}

/** Throws RangeError with a message for people. */
export function scenarioOf(values: Values): Scenario {
  const defaults = DEFAULT_SCENARIO;
  const count = (name: keyof typeof LIMITS, least: number): number =>
    values[name] === undefined
      ? defaults[name]
      : parseCount(`--${name}`, values[name], least, LIMITS[name]);
  const scenario = {
    snapshots: count('snapshots', 1),
    disks: count('disks', 2),
    raw: count('raw', 0),
    chains: count('chains', 1),
    latencyMs: values.latency === undefined ? defaults.latencyMs : parseLatency(values.latency),
    seed: count('seed', 0),
    freeze: values['no-freeze'] !== true,
    fire: values.fire === undefined ? defaults.fire : parseFire(values.fire),
    lanes: count('lanes', 1),
    managed: values.managed === true,
    thawAt202: values['thaw-at-202'] === true,
  };
  refuseContradictions(scenario);
  return scenario;
}

function refuseContradictions({ managed, thawAt202, raw, freeze, disks }: Scenario): void {
  if (thawAt202 && (!managed || raw > 0 || !freeze)) {
    throw new RangeError('--thaw-at-202 needs --managed, without --raw and --no-freeze');
  }
  if (managed && disks + raw > MOST_MANAGED_DISKS) {
    throw new RangeError(
      `--managed: a VM has at most ${MOST_MANAGED_DISKS} disks, not ${disks + raw} (--disks and --raw)`,
    );
  }
}

function parseFire(text: string): FireRule {
  if (text !== 'early' && text !== 'barrier') {
    throw new RangeError(`--fire must be early or barrier, not "${text}"`);
  }
  return text;
}

function parseLatency(text: string): Scenario['latencyMs'] {
  const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (from === undefined || Number(from) > Number(to)) {
    throw new RangeError(`--latency must be ms or FROM-TO in ms, not "${text}"`);
  }
  return { from: Number(from), to: Number(to) };
}

const TYPES: readonly LabFileSystemType[] = ['ext4', 'xfs', 'btrfs'];
/** Writing every record through btrfs and xfs needs more room than an idle file system. */
const SIZE_MB = { ext3: 64, ext4: 64, xfs: 320, btrfs: 256 };
const LEAST_DISKS_FOR_RAID = 4;

/** So many disks: ext4, xfs and btrfs in turn, the last two of four or more one btrfs RAID0. */
export function diskSpecs(disks: number): readonly DiskSpec[] {
  const raid: readonly DiskSpec[] =
    disks < LEAST_DISKS_FOR_RAID ? [] : [{ type: 'btrfs', devices: 2, sizeMb: SIZE_MB.btrfs }];
  const singles = Array.from({ length: disks - 2 * raid.length }, (_, index): DiskSpec => {
    const type = TYPES[index % TYPES.length] ?? 'ext4';
    return { type, sizeMb: SIZE_MB[type] };
  });
  return [...singles, ...raid];
}

/**
 * The first chain goes round the places in order (k mod N), the others each in an order of its own. All of these
 * stop at the first file system that is frozen.
 */
export function makeChains(count: number, placeCount: number, seed: number): readonly Chain[] {
  const random = seededRandom(seed);
  const inOrder = Array.from({ length: placeCount }, (_, place) => place);
  return Array.from({ length: count }, (_, number) => ({
    number,
    places: number === 0 ? inOrder : shuffled(inOrder, random),
  }));
}

/** So that in some windows something is written to raw disks, and in some nothing is. */
const RAW_PAUSES = { mostRecords: 400, longestMs: 400 };

/** The chain of a writer that no freeze stops: it goes round raw disks only, and pauses now and then. */
export function makeRawChain(number: number, places: readonly number[], seed: number): Chain {
  return { number, places, pauses: { seed, ...RAW_PAUSES } };
}

function shuffled(items: readonly number[], random: () => number): readonly number[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
