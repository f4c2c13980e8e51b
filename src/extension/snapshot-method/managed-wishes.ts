import { OS_DISK_LUN } from '../../filesystems/plan-types.ts';
import type { ManagedWishes } from '../../snapshot/managed/managed-set.ts';
import { tagsProblem } from '../../snapshot/managed/snapshot-naming.ts';
import type { Pair, TaskSettings } from '../task-types.ts';

/**
 * What a task asks for of the VM's managed disks: the disks that it lists, or all; its metadata become tags, as far as Azure
 * takes them. Pure.
 */
export function managedWishesOf({
  includedDisks,
  custom,
  metadata,
}: Pick<TaskSettings, 'includedDisks' | 'custom' | 'metadata'>): {
  readonly wishes: ManagedWishes;
  readonly warnings: readonly string[];
} {
  const tags: Pair[] = [];
  const warnings: string[] = [];
  for (const pair of metadata) {
    const problem = tagsProblem([...tags, pair]);
    if (problem === undefined) {
      tags.push(pair);
    } else {
      warnings.push(`a pair of backupMetadata becomes no tag of the snapshots: ${problem}`);
    }
  }
  return {
    wishes: {
      ...{ group: undefined, namePrefix: undefined, clientId: undefined, tags },
      includeLuns: lunsOf(includedDisks.luns, custom.isOnlyOsDiskBackupEnabled === true),
      excludeLuns: [],
    },
    warnings,
  };
}

/** An empty list names no disk, and leaves the choice open. */
function lunsOf(
  luns: readonly number[] | undefined,
  isOnlyOsDisk: boolean,
): readonly number[] | undefined {
  if (luns !== undefined && luns.length > 0) {
    return luns;
  }
  return isOnlyOsDisk ? [OS_DISK_LUN] : undefined;
}
