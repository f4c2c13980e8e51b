import type { BackupRequest } from '../../src/backup/request.ts';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../src/config/vmbackup.ts';
import { parseBlobs } from '../../src/snapshot/blob/blob.ts';

/**
 * A snapshot of everything, as the command asks for it if no option is given; for runs inside a
 * process of the benchmark's own.
 *
 * @param urls of the blobs, with their SAS
 */
export function backupRequest(
  urls: readonly string[],
  asked: Partial<BackupRequest> = {},
): BackupRequest {
  return {
    ...DEFAULT_VM_BACKUP_CONFIGURATION,
    blobs: parseBlobs(urls.map((url) => ({ url, device: undefined }))),
    selection: { include: [], skip: [] },
    settle: true,
    sequential: false,
    freeze: true,
    strictMatch: false,
    isPartial: false,
    foreignBlobs: 'refuse',
    startAt: undefined,
    metadata: [],
    taskId: 'bench',
    lanes: undefined,
    ...asked,
  };
}
