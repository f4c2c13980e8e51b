import { constants } from 'node:os';
import type { LoggedRequest } from '../../src/lab/blob-server/model.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import type { Ending } from '../../test/faults/running-command.ts';
import type { ProbeWrite } from '../../test/faults/write-probe.ts';

/** Where in its run a fault hit, as the writers and the server saw it. */
export const STAGES = ['before', 'freezing', 'firing', 'thawing', 'after'] as const;
export type Stage = (typeof STAGES)[number];

/** What the outside saw of one run. */
export interface Seen {
  /** Writes to each file system. */
  readonly writes: readonly (readonly ProbeWrite[])[];
  /** Snapshot requests of the run; the disk of file system n is behind the blob `disk<n>`. */
  readonly requests: readonly LoggedRequest[];
}

/** A write that takes this long has met a freeze: others take well under one. */
const STALL_NS = 3_000_000n;

/**
 * @param disks number of snapshots that were asked for
 */
export function stageAt(faultNs: bigint, { writes, requests }: Seen, disks: number): Stage {
  const stalls = writes.flat().filter(({ startNs, endNs }) => endNs - startNs >= STALL_NS);
  if (!stalls.some(({ startNs, endNs }) => startNs <= faultNs && faultNs <= endNs)) {
    return requests.some(({ receivedNs }) => receivedNs <= faultNs) ? 'after' : 'before';
  }
  if (!requests.some(({ receivedNs }) => receivedNs <= faultNs)) {
    return 'freezing';
  }
  const answered = requests.filter(
    ({ answeredNs }) => answeredNs !== undefined && answeredNs <= faultNs,
  );
  return answered.length >= disks ? 'thawing' : 'firing';
}

export function isFrozenStage(stage: Stage): boolean {
  return stage === 'freezing' || stage === 'firing' || stage === 'thawing';
}

export function longestStallMs({ writes }: Seen): number {
  const stallsMs = writes.flat().map(({ startNs, endNs }) => Number(endNs - startNs) / 1e6);
  return Math.max(0, ...stallsMs);
}

/** Of a command that SIGTERM has ended in order, whatever its snapshots came to by then. */
const TERMINATED = 128 + constants.signals.SIGTERM;

/**
 * What is wrong with how a command ended that nobody killed; empty if nothing is.
 *
 * @param isTold it was sent SIGTERM
 */
export function faultsOfEnding(
  { exitCode, signal, stdout, stderr }: Ending,
  seen: Seen,
  isTold = false,
): string[] {
  if (exitCode === null) {
    return [`the command was ended by ${signal}`];
  }
  const isTerminated = isTold && exitCode === TERMINATED;
  if (
    !(isTerminated || [0, 1, 2].includes(exitCode)) ||
    /internal error|FF_INTERNAL|Uncaught/.test(stderr)
  ) {
    return [`the command crashed (exit code ${exitCode}): ${stderr.trim().slice(-400)}`];
  }
  const summary = stdout === '' ? undefined : parseSummary(stdout);
  if (summary === 'unreadable') {
    return [`the command's summary is no JSON: ${stdout.slice(0, 200)}`];
  }
  const claims = summary?.consistency === 'fileSystemConsistent';
  if (!isTerminated && claims !== (exitCode === 0)) {
    return [`exit code ${exitCode} with consistency ${summary?.consistency ?? 'not told'}`];
  }
  return claims ? falseClaims(seen) : [];
}

/**
 * What is wrong with how a run ended that no fault hit. It may fail for want of time on a busy machine,
 * but it comes to its window and says so.
 */
export function faultsOfUndisturbed({ exitCode, stdout, stderr }: Ending): string[] {
  const isRefused = stdout === '' || /^\s*\{\s*"code": *"FF_/.test(stdout);
  return exitCode === 2 || isRefused
    ? [`a run that no fault hit failed (exit code ${exitCode}): ${stderr.trim().slice(-400)}`]
    : [];
}

function parseSummary(text: string): RunSummary | 'unreadable' {
  try {
    return JSON.parse(text) as RunSummary;
  } catch {
    return 'unreadable';
  }
}

/**
 * Proof that a run that calls its snapshots consistent is wrong: a file system took a whole write
 * between the request and the answer of the snapshot of its disk (design, law 5).
 */
export function falseClaims({ writes, requests }: Seen): string[] {
  return writes.flatMap((own, index) => {
    const request = requests.findLast(
      ({ blob, answeredNs }) => blob === `disk${index}` && answeredNs !== undefined,
    );
    const { receivedNs, answeredNs = 0n } = request ?? { receivedNs: 0n };
    const inside = own.filter(({ startNs, endNs }) => startNs > receivedNs && endNs < answeredNs);
    return inside.length === 0
      ? []
      : [`disk${index} was written while its snapshot was taken, and is called consistent`];
  });
}
