import type { BlockTopology } from '../block-topology.ts';
import type { MountTree } from '../mount-tree.ts';
import type { Mount } from '../mountinfo.ts';
import { daemonRelations } from './daemon-relations.ts';
import type { Daemon, Relation } from './model.ts';
import { readDaemons } from './read-daemons.ts';
import { type StorageRelations, storageRelations } from './storage-relations.ts';

export interface RelationsReading extends StorageRelations {
  readonly relations: readonly Relation[];
  /** For the last lever: it works on the descriptors of those that are asked for permission. */
  readonly daemons: readonly Daemon[];
  /** As sentences for people. */
  readonly warnings: readonly string[];
}

/**
 * Everything that can be seen beforehand of what file systems need of each other; for `freezeOrder`.
 * Never rejects, and takes no longer than `READ_DAEMONS_LIMIT_MS`.
 */
export async function readRelations(
  mounts: readonly Mount[],
  topology: BlockTopology,
  tree: MountTree,
): Promise<RelationsReading> {
  const storage = storageRelations(mounts, topology, tree);
  const { daemons, isComplete } = await readDaemons();
  return {
    relations: [...storage.relations, ...daemonRelations(daemons, mounts)],
    unseen: storage.unseen,
    daemons,
    warnings: isComplete
      ? []
      : [
          'there was not time enough to look at every process: a FUSE or permission daemon that file systems depend on may have been missed',
        ],
  };
}
