import type { Preflight } from '../snapshot-types.ts';
import type { BlobContent } from './matching-types.ts';

/** The content of a target's blob, from its preflight. */
export function blobContent(preflight: Preflight): BlobContent {
  return preflight.ok
    ? {
        index: preflight.target,
        identity: preflight.head.identity,
        sizeBytes: preflight.sizeBytes,
      }
    : {
        index: preflight.target,
        identity: { state: 'unreadable', reason: preflight.failure.message },
        sizeBytes: undefined,
      };
}
