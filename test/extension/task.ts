import { randomUUID } from 'node:crypto';
import type { HandlerSettings, ProtectedSettings } from '../../src/lab/agent/settings-text.ts';
import type { Cipher } from '../../src/lab/agent/transport-certificate.ts';

/** What a test wants of a task; everything else is as the service usually sends it. */
export interface TaskWish {
  /** One SAS URL for each disk. */
  readonly blobs: readonly string[];
  readonly statusBlobUri: string;
  readonly logsBlobUri: string;
  readonly taskId?: string;
  readonly cipher?: Cipher;
  /** How long ago the start was scheduled; negative = in the future. */
  readonly scheduledMinutesAgo?: number;
  /** Members of the public settings in place of the usual ones. */
  readonly publicSettings?: Readonly<Record<string, unknown>>;
  /** In place of everything that is protected. */
  readonly protectedSettings?: ProtectedSettings;
}

/** .NET's ticks at the epoch of Unix. */
const EPOCH_TICKS = 621_355_968_000_000_000n;
const TICKS_PER_MS = 10_000n;

export const BACKUP_METADATA = [
  { Key: 'backupType', Value: 'Full' },
  { Key: 'scheduledBy', Value: 'lab' },
] as const;

/** Settings of a snapshot task for a machine of type V2, as the backup service sends them. */
export function taskSettings(wish: TaskWish): HandlerSettings {
  const startMs = Date.now() - (wish.scheduledMinutesAgo ?? 0) * 60_000;
  const value = {
    objectStr: encode({ blobSASUri: wish.blobs }),
    logsBlobUri: wish.logsBlobUri,
    statusBlobUri: wish.statusBlobUri,
  };
  return {
    publicSettings: {
      taskId: wish.taskId ?? newTaskId(),
      commandToExecute: 'snapshot',
      commandStartTimeUTCTicks: ticks(startMs),
      locale: 'en-US',
      vmType: 'microsoft.compute/virtualmachines',
      objectStr: encode({ backupMetadata: BACKUP_METADATA }),
      customSettings: JSON.stringify({ takeSnapshotFrom: 'onlyGuest' }),
      ...wish.publicSettings,
    },
    protectedSettings: wish.protectedSettings ?? {
      kind: 'encrypted',
      value,
      ...(wish.cipher === undefined ? {} : { cipher: wish.cipher }),
    },
  };
}

export function newTaskId(): string {
  return `${randomUUID()}_1`;
}

function ticks(ms: number): string {
  return String(EPOCH_TICKS + BigInt(Math.trunc(ms)) * TICKS_PER_MS);
}

/** The service's JSON has its slashes escaped. */
export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value).replaceAll('/', '\\/')).toString('base64');
}
