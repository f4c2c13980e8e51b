import { text } from 'node:stream/consumers';
import { AnonymousCredential, BlockBlobClient, PageBlobClient } from '@azure/storage-blob';
import type { Azurite } from '../../src/lab/azurite.ts';

/** What the status blob holds, as far as the tests look at it. */
export interface StatusBlob {
  readonly timestampUTC: string;
  readonly status: {
    readonly name: string;
    readonly operation: string;
    readonly status: string;
    readonly code: string;
    readonly taskId: string;
    readonly formattedMessage: { readonly lang: string; readonly message: string };
    readonly telemetryData: readonly { readonly Key: string; readonly Value: string }[];
    readonly uniqueMachineId: string;
    readonly snapshotInfo: readonly SnapshotInfo[] | null;
    readonly vmHealthInfo: {
      readonly vmHealthState: number;
      readonly vmHealthStatusCode: number;
    } | null;
  };
}

export interface SnapshotInfo {
  readonly isSuccessful: boolean;
  readonly snapshotUri: string;
  readonly errorMessage: string;
  readonly blobUri: string;
}

/** A task's status and log blob, made empty by the service before the task begins. */
export class TaskBlobs {
  readonly statusBlobUri: string;
  readonly logsBlobUri: string;

  private constructor(statusBlobUri: string, logsBlobUri: string) {
    this.statusBlobUri = statusBlobUri;
    this.logsBlobUri = logsBlobUri;
  }

  static async create(azurite: Azurite, name: string, kind: 'page' | 'block'): Promise<TaskBlobs> {
    const urls = ['status', 'log'].map((what) => azurite.sasUrl(`${name}.${what}.txt`));
    for (const url of urls) {
      await (kind === 'page'
        ? new PageBlobClient(url, new AnonymousCredential()).create(512)
        : new BlockBlobClient(url, new AnonymousCredential()).upload('', 0));
    }
    const [status = '', log = ''] = urls;
    return new TaskBlobs(status, log);
  }

  /** Undefined as long as nothing has been written. */
  async status(): Promise<StatusBlob | undefined> {
    const text = await content(this.statusBlobUri);
    return text === '' ? undefined : (JSON.parse(text) as StatusBlob[])[0];
  }

  async statusText(): Promise<string> {
    return await content(this.statusBlobUri);
  }

  async log(): Promise<string> {
    return await content(this.logsBlobUri);
  }
}

/** Without the padding of a page blob. */
async function content(url: string): Promise<string> {
  const { readableStreamBody } = await new BlockBlobClient(
    url,
    new AnonymousCredential(),
  ).download();
  const written = readableStreamBody === undefined ? '' : await text(readableStreamBody);
  return written.replace(/[\0\s]+$/, '');
}
