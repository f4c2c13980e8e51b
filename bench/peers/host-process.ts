/** Snapshots by the host, as the extension takes them: reads a HostRunRequest, prints a HostRun. */
import { text } from 'node:stream/consumers';
import { backup } from '../../src/backup/run.ts';
import { summarize } from '../../src/report/summary.ts';
import { backupRequest } from './backup-request.ts';
import type { HostRun, HostRunRequest } from './host.ts';
import { callFor, openAsked } from './host-task.ts';

const { luns, mountPoints } = JSON.parse(await text(process.stdin)) as HostRunRequest;
await using client = await openAsked();
const request = backupRequest([], {
  provider: { kind: 'host', client, call: callFor(luns) },
  selection: { include: mountPoints, skip: [] },
});
const silent = { phaseBegins: () => {}, phaseEnds: () => {}, warn: () => {} };
const record = await backup(request, silent, new AbortController().signal);
const { consistency, problems, windowMs, disks } = summarize(record);
const run: HostRun = { consistency, problems, windowMs, callMs: disks[0]?.latencyMs ?? 0 };
process.stdout.write(JSON.stringify(run));
