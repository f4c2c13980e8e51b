import { join } from 'node:path';
import type { FireRule } from '../../src/config/vmbackup.ts';
import type { RoleTime } from '../../src/system/thread-times.ts';
import { failureOf, runMeasured } from '../process/measured-process.ts';
import { productNode } from '../process/product-node.ts';
import type { Rig } from '../rig.ts';

export interface RecordedOptions {
  readonly fire?: FireRule | undefined;
  readonly lanes?: number | undefined;
  readonly settle?: boolean | undefined;
  /** Scheduled start, ms since the epoch. */
  readonly startAt?: number | undefined;
}

export interface RecordedRequest extends RecordedOptions {
  readonly urls: readonly string[];
  /** Reading them takes 1 to 2 ms right before the first FIFREEZE. */
  readonly processorTimes: boolean;
  /** Processes whose CPU time in the window is wanted too, by name. */
  readonly watch: Readonly<Record<string, number>>;
}

/** The steps of one disk and its file system, in their order; CLOCK_MONOTONIC ms. */
export interface RecordedDisk {
  readonly mountPoint: string;
  readonly askedFreezeMs: number;
  /** FIFREEZE is entered on the file system's thread. */
  readonly freezeStartMs: number;
  readonly frozenMs: number;
  readonly heardFrozenMs: number;
  readonly askedFireMs: number;
  readonly firedMs: number;
  readonly acknowledgedMs: number;
  readonly heardAcknowledgedMs: number;
  readonly askedThawMs: number;
  readonly thawStartMs: number;
  readonly thawedMs: number;
}

export interface ProcessorTime extends Omit<RoleTime, 'role'> {
  readonly who: string;
}

export interface RecordedRun {
  readonly ok: boolean;
  readonly end: string;
  readonly barrierMs: number;
  /** To be added to a CLOCK_MONOTONIC stamp for CLOCK_REALTIME. */
  readonly realtimeOffsetMs: number;
  readonly disks: readonly RecordedDisk[];
  /** Of the window, by who had it. */
  readonly cpu: readonly ProcessorTime[];
}

const PROGRAM = join(import.meta.dirname, 'recorded-process.ts');

/** Throws Error where the run fails. */
export async function runRecorded(
  { launcher, urls, processes }: Rig,
  options: RecordedOptions,
): Promise<RecordedRun> {
  const request: RecordedRequest = {
    ...options,
    processorTimes: options.startAt === undefined,
    urls,
    watch: processes,
  };
  const run = await runMeasured(launcher, [...productNode(), PROGRAM], JSON.stringify(request));
  if (run.exitCode !== 0) {
    throw new Error(failureOf(run));
  }
  const recorded = JSON.parse(run.stdout) as RecordedRun;
  if (!recorded.ok) {
    throw new Error(`the run ended with "${recorded.end}" or without a snapshot of each disk`);
  }
  return recorded;
}
