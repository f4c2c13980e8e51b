import { doSnapshotCall } from '../../src/snapshot/host/do-snapshot.ts';
import type { HostCall } from '../../src/snapshot/host/host-call.ts';
import { HostClient } from '../../src/snapshot/host/host-client.ts';
import { preSnapshot } from '../../src/snapshot/host/pre-snapshot.ts';

const TASK = { taskId: 'bench', snapshotTaskToken: 'token' };

/** A client that has asked the host whether it can, as the extension does first. Throws if it cannot. */
export async function openAsked(): Promise<HostClient> {
  const client = HostClient.open(undefined);
  const request = { ...TASK, isVmAdeEnabled: false };
  const { succeeded, problem } = await preSnapshot(client, request, new AbortController().signal);
  if (!succeeded) {
    throw new Error(problem);
  }
  return client;
}

export function callFor(luns: readonly number[]): HostCall {
  return doSnapshotCall({
    ...TASK,
    diskIds: luns,
    settings: [],
    metadata: [],
    instantAccessDurationMinutes: undefined,
  });
}
