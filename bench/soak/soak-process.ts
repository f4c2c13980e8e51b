/**
 * Takes snapshots in one process, again and again, as a service does: reads the blobs' URLs as JSON on
 * the first line of standard input, then takes a snapshot for each further line and prints a SoakRun.
 */
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { backup } from '../../src/backup/run.ts';
import { summarize } from '../../src/report/summary.ts';
import { backupRequest } from '../peers/backup-request.ts';
import type { SoakRun } from './model.ts';

/** A disk that does not answer holds its file system no longer. */
const TIMEOUT_MS = 3_000;
const MIB = 2 ** 20;
const SILENT = { phaseBegins: () => {}, phaseEnds: () => {}, warn: () => {} };

async function takeSnapshot(urls: readonly string[]): Promise<SoakRun> {
  const startMs = performance.now();
  const outcome = await outcomeOf(urls);
  const tookMs = performance.now() - startMs;
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    ...outcome,
    tookMs,
    rssMb: rss / MIB,
    heapMb: heapUsed / MIB,
    externalMb: external / MIB,
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
  };
}

async function outcomeOf(
  urls: readonly string[],
): Promise<Pick<SoakRun, 'complete' | 'windowMs' | 'problem'>> {
  try {
    const request = backupRequest(urls, { timeoutMs: TIMEOUT_MS });
    const record = await backup(request, SILENT, new AbortController().signal);
    const { consistency, disks, windowMs, problems } = summarize(record);
    const complete = consistency !== 'none' && disks.every(({ snapshot }) => snapshot !== null);
    return { complete, windowMs: windowMs.max, problem: problems[0] };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { complete: false, windowMs: undefined, problem };
  }
}

let urls: readonly string[] | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  if (urls === undefined) {
    urls = JSON.parse(line) as readonly string[];
  } else {
    process.stdout.write(`${JSON.stringify(await takeSnapshot(urls))}\n`);
  }
}
