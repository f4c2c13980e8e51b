import type { Preflight } from '../snapshot-types.ts';
import { identify } from './identify.ts';
import type { BlobContent } from './matching-types.ts';

/** The content of a target's blob, from its preflight. */
export function blobContent(preflight: Preflight): BlobContent {
  return preflight.ok
    ? {
        index: preflight.target,
        identity: identify(preflight.head),
        sizeBytes: preflight.sizeBytes,
      }
    : {
        index: preflight.target,
        identity: { state: 'unreadable', reason: preflight.failure.message },
        sizeBytes: undefined,
      };
}
