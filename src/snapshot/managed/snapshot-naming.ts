import { randomBytes } from 'node:crypto';
import { OS_DISK_LUN } from '../../filesystems/plan-types.ts';
import { membershipValues, type NamedValue, TAG_PREFIX } from '../../restore-points/membership.ts';
import type { Vm, VmDisk } from './instance-metadata.ts';

/** The most characters of a snapshot's name. */
export const NAME_CHARACTERS = 80;
/** Room for the number of a later attempt of the run. */
const ATTEMPT_CHARACTERS = 3;
const PREFIX = /^[A-Za-z0-9][\w.-]{0,39}$/;

export const TAG_LIMITS = { count: 50, name: 512, value: 256 } as const;
const FORBIDDEN_IN_NAME = /[<>%&\\?/\p{Cc}]/u;
/** Azure keeps these beginnings for itself. */
const RESERVED = /^(?:microsoft|azure|windows)/i;

/** One run, as names and tags show it. */
export interface RunMark {
  readonly runId: string;
  readonly time: Date;
  /** Makes the names of two runs of the same second different. */
  readonly shortId: string;
}

export function markRun(runId: string, now = new Date()): RunMark {
  return { runId, time: now, shortId: randomBytes(4).toString('hex') };
}

/**
 * The name of a disk's snapshot: prefix (default: the VM's name) and disk, LUN, time (UTC) and a short id. The first part is
 * cut so that the whole fits. Pure.
 */
export function snapshotName(
  prefix: string | undefined,
  vm: Pick<Vm, 'name'>,
  disk: Pick<VmDisk, 'name' | 'lun'>,
  { time, shortId }: RunMark,
): string {
  const lun = disk.lun === OS_DISK_LUN ? 'os' : `lun${disk.lun}`;
  const stamp = time.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const tail = `-${lun}-${stamp}-${shortId}`;
  const head = `${prefix ?? vm.name}-${disk.name}`
    .replaceAll(/[^\w.-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, NAME_CHARACTERS - ATTEMPT_CHARACTERS - tail.length);
  return `${head === '' ? 'flashfreeze' : head}${tail}`;
}

/** The name in a later attempt of a run: a repeated request would get the snapshot of the earlier one. Pure. */
export function nameOfAttempt(name: string, attempt: number): string {
  return attempt === 0 ? name : `${name}-${attempt + 1}`;
}

/** What is wrong with the prefix of names; undefined if nothing is. */
export function prefixProblem(prefix: string): string | undefined {
  return PREFIX.test(prefix)
    ? undefined
    : 'expected at most 40 letters, digits, periods, underscores and hyphens, beginning with a letter or digit';
}

/** The tags of a disk's snapshot: they tie the snapshots of one run together. Pure. */
export function snapshotTags(
  mark: RunMark,
  { vm, host, version }: { readonly vm: Vm; readonly host: string; readonly version: string },
  disk: Pick<VmDisk, 'lun'>,
  { position, count }: { readonly position: number; readonly count: number },
  given: readonly NamedValue[],
): Readonly<Record<string, string>> {
  const membership = {
    ...{ restorePoint: mark.runId, position, count, host, version },
    vm: vm.vmId === '' ? vm.name : vm.vmId,
    // Found later, by its LUN.
    device: undefined,
    lun: disk.lun === OS_DISK_LUN ? ('os' as const) : disk.lun,
  };
  return Object.fromEntries([...fittingTags(membershipValues(membership, TAG_PREFIX)), ...given]);
}

/** The tags with values that Azure takes. Pure. */
export function fittingTags(tags: readonly NamedValue[]): NamedValue[] {
  return tags.map(([name, value]): NamedValue => [name, value.slice(0, TAG_LIMITS.value)]);
}

/** Seven of the membership, and four of the result. */
const OWN_COUNT = 11;

/** What Azure would refuse of these tags, or what contradicts the tags of flashfreeze; undefined if nothing does. Pure. */
export function tagsProblem(tags: readonly NamedValue[]): string | undefined {
  const names = tags.map(([name]) => name.toLowerCase());
  const again = names.findIndex((name, index) => names.indexOf(name) < index);
  if (again >= 0) {
    return `${tags[again]?.[0]} is given twice (case does not count); expected each name once`;
  }
  if (tags.length > TAG_LIMITS.count - OWN_COUNT) {
    return `${tags.length} tags are given; expected at most ${TAG_LIMITS.count - OWN_COUNT}, because Azure takes ${TAG_LIMITS.count} and flashfreeze adds ${OWN_COUNT}`;
  }
  for (const [name, value] of tags) {
    const problem = tagProblem(name, value);
    if (problem !== undefined) {
      return `${name.slice(0, 60)}: ${problem}`;
    }
  }
  return undefined;
}

function tagProblem(name: string, value: string): string | undefined {
  if (name === '' || name.length > TAG_LIMITS.name || FORBIDDEN_IN_NAME.test(name)) {
    return `expected a name of 1 to ${TAG_LIMITS.name} characters without < > % & \\ ? / and control characters`;
  }
  if (RESERVED.test(name) || name.toLowerCase().startsWith(TAG_PREFIX)) {
    return `expected a name that does not begin with microsoft, azure, windows or ${TAG_PREFIX}`;
  }
  return value.length > TAG_LIMITS.value || /\p{Cc}/u.test(value)
    ? `expected a value of at most ${TAG_LIMITS.value} characters without control characters`
    : undefined;
}
