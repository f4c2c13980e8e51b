import type { TargetRecord } from '../../backup/record.ts';

/** The URI of a disk's snapshot; undefined if there is none. The host reports the URIs of its own. */
export function snapshotUriOf({ blob, answer }: TargetRecord): string | undefined {
  if (answer.snapshot === undefined) {
    return undefined;
  }
  return answer.host === undefined ? `${blob}?snapshot=${answer.snapshot}` : answer.host.uri;
}

/** The disk's blob; empty if the host did not name it. */
export function blobUriOf({ blob, answer }: TargetRecord): string {
  return answer.host === undefined || answer.host.uri !== undefined ? blob : '';
}
