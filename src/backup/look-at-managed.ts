import { machineProxy } from '../config/machine-proxy.ts';
import type { Disk, Plan } from '../filesystems/plan-types.ts';
import { DiskLanes } from '../snapshot/managed/disk-lanes.ts';
import {
  type ManagedSet,
  type ManagedWishes,
  readManagedSet,
} from '../snapshot/managed/managed-set.ts';
import { type ChosenDisk, labelOf } from '../snapshot/managed/select-disks.ts';
import { TokenKeeper } from '../snapshot/managed/token-keeper.ts';
import { ANOTHER_REMEDY, lookUpManaged, sizeDoubt } from './managed-matching.ts';
import { diskBehind, type Target, UNKNOWN_DISK } from './whole-set/behind.ts';
import { describeGap, isFault, type SetGap } from './whole-set/describe-gap.ts';
import { gapsOf, type SetWishes } from './whole-set/find-gaps.ts';

/** A managed disk of the set, as far as it can be seen without a snapshot. */
export interface ManagedDiskLook extends ChosenDisk {
  /** The disk of this machine; undefined if it is unknown. */
  readonly device: Disk | undefined;
  readonly sizeBytes: number | undefined;
  /** Why a run would be refused because of this disk. */
  readonly problem: string | undefined;
}

/** The managed disks of the VM, and what a run would say of their set. */
export interface ManagedLook {
  readonly set: ManagedSet;
  readonly disks: readonly ManagedDiskLook[];
  readonly warnings: readonly string[];
  /** Mount points of frozen file systems with a disk that no snapshot is taken of, whether that is wanted or not. */
  readonly withoutSnapshot: readonly string[];
  /** The set would be whole, and no disk is in its way. */
  readonly isWhole: boolean;
}

export interface LookOptions {
  readonly runId: string;
  /** The LUNs of the disks that the set has to contain; undefined: every disk. */
  readonly includedLuns: readonly number[] | undefined;
  /** Receives every token, so that no text shows it. */
  readonly learnSecret: (secret: string) => void;
}

/**
 * Looks at the managed disks of the VM as a run does before the freeze: metadata, token, the state of each disk, rights and
 * locks. Freezes nothing and makes nothing.
 *
 * @throws FlashfreezeError as `readManagedSet` and the token
 */
export async function lookAtManaged(
  wishes: ManagedWishes,
  plan: Plan,
  { runId, includedLuns, learnSecret }: LookOptions,
): Promise<ManagedLook> {
  const abort = new AbortController().signal;
  const set = await readManagedSet(wishes, { runId, proxyFor: machineProxy(), abort });
  const { audience } = set.manager;
  const tokens = new TokenKeeper({ audience, clientId: wishes.clientId, learnSecret, abort });
  await using lanes = await DiskLanes.open(set.prepared, { tokens, neededUntilMs: Date.now });
  const preflights = await lanes.preflight();
  const findings = preflights.map((it) =>
    it.ok ? { sizeBytes: it.sizeBytes, problem: undefined } : { problem: it.failure.message },
  );
  return judge(set, plan, includedLuns, findings);
}

/** What the service says of a disk: its size, or why no snapshot of it can be taken. */
export interface DiskFinding {
  readonly sizeBytes?: number | undefined;
  readonly problem: string | undefined;
}

/** Pure. */
export function judge(
  set: ManagedSet,
  plan: Plan,
  includedLuns: readonly number[] | undefined,
  findings: readonly DiskFinding[],
): ManagedLook {
  const warnings: string[] = leftOutWarnings(set);
  const named = set.chosen.map(({ disk, id }) => ({ name: id.text, disk }));
  const behind = lookUpManaged(plan, named, { warn: (message) => warnings.push(message) });
  const devices = [...plan.disks, ...(plan.otherDisks ?? [])];
  const disks = set.chosen.map((chosen, index): ManagedDiskLook => {
    const name = diskBehind(behind[index] ?? UNKNOWN_DISK);
    const device = devices.find((it) => it.name === name);
    const { sizeBytes, problem } = findings[index] ?? { problem: undefined };
    const doubt = device === undefined ? undefined : sizeDoubt(chosen.disk, device, sizeBytes);
    if (doubt?.isAnother === false) {
      warnings.push(doubt.sentence);
    }
    const mismatch = doubt?.isAnother === true ? `${doubt.sentence}. ${ANOTHER_REMEDY}` : undefined;
    return { ...chosen, device, sizeBytes, problem: problem ?? mismatch };
  });
  const targets = named.map(({ name }, index) => ({ name, behind: behind[index] ?? UNKNOWN_DISK }));
  const gaps = gapsOf(plan, targets, wishesOf(includedLuns));
  return {
    set,
    disks,
    warnings: [...warnings, ...gaps.map(describeGap)],
    withoutSnapshot: uncovered(plan, targets, disks),
    isWhole: !gaps.some(isFault) && disks.every(({ problem }) => problem === undefined),
  };
}

function wishesOf(includedLuns: readonly number[] | undefined): SetWishes {
  return { isPartial: false, includedLuns, toleratesForeign: true, isManaged: true };
}

function leftOutWarnings({ leftOut }: ManagedSet): string[] {
  return leftOut
    .filter(({ isWanted }) => !isWanted)
    .map(({ disk, because }) => `no snapshot is taken of ${labelOf(disk)}: ${because}`);
}

/** Mount points of frozen file systems that no snapshot, or not one of every disk, is taken of. */
function uncovered(
  plan: Plan,
  targets: readonly Target[],
  disks: readonly ManagedDiskLook[],
): string[] {
  const taken = targets.filter((_, index) => disks[index]?.problem === undefined);
  const mountPoints = new Set(gapsOf(plan, taken, wishesOf(undefined)).flatMap(mountPointsOf));
  return plan.fileSystems.flatMap(({ mountPoint }) =>
    mountPoints.has(mountPoint) ? [mountPoint] : [],
  );
}

function mountPointsOf(gap: SetGap): readonly string[] {
  switch (gap.kind) {
    case 'missing-disks':
      return gap.missing.flatMap(({ mountPoints }) => mountPoints);
    case 'half':
      return [gap.mountPoint];
    default:
      return [];
  }
}
