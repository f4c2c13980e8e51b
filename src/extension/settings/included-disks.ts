import * as v from 'valibot';
import { FlashfreezeError } from '../../errors.ts';
import { OS_DISK_LUN } from '../../filesystems/plan-types.ts';
import { isBlank, isJsonObject, member } from '../../system/json.ts';
import type { IncludedDisks } from '../task-types.ts';
import {
  flag,
  given,
  LUNS,
  list,
  lun,
  object,
  readBy,
  readFields,
  type Warn,
  wholeNumber,
} from './schema.ts';

const LUN_LIST = object({ dataDiskLunList: list(lun, LUNS) });

const INCLUDED_DISKS = {
  isOSDiskIncluded: flag,
  isAnyDiskExcluded: flag,
  isVmgsBlobIncluded: flag,
  isAnyWADiskIncluded: flag,
  isAnyDirectDriveDiskIncluded: flag,
  isVmmdBlobIncluded: flag,
  isVMADEEnabled: flag,
  instantAccessDurationMinutes: given(wholeNumber(0)),
};

/**
 * Reads `includedDisks` of the public object (settings.md). Which disks the host is to snapshot is not guessed: with a LUN of the wrong form only the guest can take the snapshots,
 * which takes them of the blobs. An empty item names no disk.
 *
 * @param label names the value in warnings
 */
export function readIncludedDisks(value: unknown, label: string, warn: Warn): IncludedDisks {
  // Some senders write an empty object as an empty list.
  const isEmpty = isBlank(value) || (Array.isArray(value) && value.length === 0);
  const disks = isEmpty ? {} : value;
  const { list, lunProblem } = lunListOf(withoutBlankLuns(disks, warn), label);
  if (lunProblem !== undefined) {
    warn(`the host cannot take the snapshots: ${lunProblem.message}`);
  }
  const given = readFields(INCLUDED_DISKS, [], isJsonObject(disks) ? disks : {}, label, warn);
  const luns = [...(list ?? []), ...(given.isOSDiskIncluded ? [OS_DISK_LUN] : [])];
  const isListed = lunProblem === undefined && (list !== undefined || given.isOSDiskIncluded);
  return {
    luns: isListed ? [...new Set(luns)] : undefined,
    lunProblem,
    isOsDiskIncluded: given.isOSDiskIncluded,
    isAnyDiskExcluded: given.isAnyDiskExcluded,
    isVmgsBlobIncluded: given.isVmgsBlobIncluded,
    isAnyWriteAcceleratedDiskIncluded: given.isAnyWADiskIncluded,
    isAnyDirectDriveDiskIncluded: given.isAnyDirectDriveDiskIncluded,
    isVmmdBlobIncluded: given.isVmmdBlobIncluded,
    isVmAdeEnabled: given.isVMADEEnabled,
    instantAccessDurationMinutes: given.instantAccessDurationMinutes,
  };
}

interface LunList {
  readonly list: readonly number[] | undefined;
  readonly lunProblem: FlashfreezeError | undefined;
}

/** A lone LUN counts as a list of one. */
function lunListOf(disks: unknown, label: string): LunList {
  const given = member(disks, 'dataDiskLunList');
  const isLone = v.is(lun, given);
  try {
    const value = isLone ? { dataDiskLunList: [given] } : disks;
    return { list: readBy(LUN_LIST, value, label).dataDiskLunList, lunProblem: undefined };
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return { list: undefined, lunProblem: error };
    }
    throw error;
  }
}

function withoutBlankLuns(value: unknown, warn: Warn): unknown {
  const luns = member(value, 'dataDiskLunList');
  if (!isJsonObject(value) || !Array.isArray(luns) || !luns.some(isBlank)) {
    return value;
  }
  warn('dataDiskLunList of includedDisks has empty items; they are ignored');
  return { ...value, dataDiskLunList: luns.filter((item) => !isBlank(item)) };
}
