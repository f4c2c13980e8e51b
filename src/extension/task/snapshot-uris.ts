import type { TargetRecord } from '../../backup/record.ts';
import type { HostSnapshot } from '../../snapshot/snapshot-types.ts';
import type { SnapshotInfo } from '../task-types.ts';

type Uris = Pick<SnapshotInfo, 'snapshotUri' | 'blobUri'>;

/** The URIs of a disk's snapshot and blob; of a managed disk the resource ids of both. The host reports its own, also of a disk that failed. */
export function urisOf({ blob, answer }: TargetRecord): Uris {
  const { host, snapshot, managed } = answer;
  if (host !== undefined) {
    return urisOfHost(host);
  }
  if (managed !== undefined) {
    return { snapshotUri: snapshot, blobUri: blob };
  }
  return {
    snapshotUri: snapshot === undefined ? undefined : `${blob}?snapshot=${snapshot}`,
    blobUri: blob,
  };
}

/** Readers recognise a Direct Drive disk by its missing snapshot URI and find its snapshot by the identifier. */
function urisOfHost({ uri, directDrive }: HostSnapshot): Uris {
  return directDrive === undefined
    ? { snapshotUri: uri, blobUri: uri?.split('?')[0] }
    : { snapshotUri: undefined, blobUri: uri?.split('/snapshots')[0] };
}
