import type { Identity } from './evidence.ts';
import { identify } from './identify.ts';
import { type SuperblockName, superblockName } from './superblock-name.ts';

/** What the first bytes of a blob show. The bytes are not kept: they would take 68 KiB for each disk. */
export interface BlobHead {
  readonly identity: Identity;
  /** Of the file system on a bare disk. */
  readonly fileSystem: SuperblockName;
}

/** Pure; nothing refers to `bytes` afterwards. */
export function readBlobHead(bytes: Uint8Array): BlobHead {
  return { identity: identify(bytes), fileSystem: superblockName(bytes) };
}

/** Nothing of the blob could be, or was to be, read. */
export const NO_HEAD: BlobHead = readBlobHead(new Uint8Array(0));
