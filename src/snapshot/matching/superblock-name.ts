import { DiskBytes } from './bytes.ts';
import { fileSystemEvidence } from './file-systems.ts';

/** Where each kind of superblock has its label: offset, and the most bytes. */
const LABELS = {
  'ext-uuid': [1024 + 0x78, 16],
  'xfs-uuid': [108, 12],
  'btrfs-fsid': [65_536 + 299, 256],
} as const;

export interface SuperblockName {
  readonly uuid: string | undefined;
  readonly label: string | undefined;
}

/** How the file system on a bare disk names itself in the disk's first bytes. Pure. */
export function superblockName(head: Uint8Array): SuperblockName {
  const disk = new DiskBytes(head);
  for (const { kind, value } of fileSystemEvidence(disk)) {
    if (kind === 'ext-uuid' || kind === 'xfs-uuid' || kind === 'btrfs-fsid') {
      const [offset, length] = LABELS[kind];
      const [label = ''] = disk.slice(offset, length).toString('utf8').split('\0', 1);
      return { uuid: value, label: label === '' ? undefined : label };
    }
  }
  return { uuid: undefined, label: undefined };
}
