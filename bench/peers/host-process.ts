/** Snapshots by the host, as the extension takes them: reads a HostRunRequest, prints a HostRun. */
import { text } from 'node:stream/consumers';
import { backup } from '../../src/backup/run.ts';
import { summarize } from '../../src/report/summary.ts';
import { doSnapshotCall } from '../../src/snapshot/host/do-snapshot.ts';
import { HostClient } from '../../src/snapshot/host/host-client.ts';
import { preSnapshot } from '../../src/snapshot/host/pre-snapshot.ts';
import { backupRequest } from './backup-request.ts';
import type { HostRun, HostRunRequest } from './host.ts';

const { luns, mountPoints } = JSON.parse(await text(process.stdin)) as HostRunRequest;
const task = { taskId: 'bench', snapshotTaskToken: 'token' };
const abort = new AbortController().signal;
await using client = HostClient.open(undefined);
const asked = await preSnapshot(client, { ...task, isVmAdeEnabled: false }, abort);
if (!asked.succeeded) {
  throw new Error(asked.problem);
}
const call = doSnapshotCall({
  ...task,
  diskIds: luns,
  settings: [],
  metadata: [],
  instantAccessDurationMinutes: undefined,
});
const request = backupRequest([], {
  taker: { kind: 'host', client, call },
  selection: { include: mountPoints, skip: [] },
});
const silent = { phaseBegins: () => {}, phaseEnds: () => {}, warn: () => {} };
const record = await backup(request, silent, abort);
const { consistency, problems, windowMs, disks } = summarize(record);
const run: HostRun = { consistency, problems, windowMs, callMs: disks[0]?.latencyMs ?? 0 };
process.stdout.write(JSON.stringify(run));
