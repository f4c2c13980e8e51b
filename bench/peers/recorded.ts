import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Role, RoleTime } from '../../src/system/thread-times.ts';
import type { Rig } from '../rig.ts';
import { type FlashfreezeOptions, type Printed, runFlashfreeze } from './flashfreeze.ts';

export type RecordedOptions = Pick<FlashfreezeOptions, 'fire' | 'lanes' | 'settle' | 'startAt'>;

/** What `note-steps.ts` is asked for. */
export interface NoteRequest {
  /** Where it writes its NotedSteps. */
  readonly path: string;
  /** Processes whose CPU time in the window is wanted too, by name. */
  readonly watch: Readonly<Record<string, number>>;
  /** Reading them takes 1 to 2 ms right before the first FIFREEZE. */
  readonly processorTimes: boolean;
}

/** By file system and by target of the run; CLOCK_MONOTONIC ms, 0 for what did not happen. */
export interface NotedSteps {
  readonly begunMs: number;
  readonly barrierMs: number;
  readonly realtimeOffsetMs: number;
  readonly fileSystems: readonly FileSystemSteps[];
  readonly disks: readonly RequestSteps[];
  readonly watched: readonly ProcessorTime[];
}

interface FileSystemSteps {
  /** FIFREEZE is entered on the file system's thread. */
  readonly freezeStartMs: number;
  readonly frozenMs: number;
  readonly heardFrozenMs: number;
  readonly askedThawMs: number;
  readonly thawStartMs: number;
  readonly thawedMs: number;
}

interface RequestSteps {
  readonly askedFireMs: number;
  readonly firedMs: number;
  readonly acknowledgedMs: number;
  readonly heardAcknowledgedMs: number;
}

/** The steps of one disk and its file system. */
export interface RecordedDisk extends FileSystemSteps, RequestSteps {
  readonly mountPoint: string;
  readonly askedFreezeMs: number;
}

export interface ProcessorTime extends Omit<RoleTime, 'role'> {
  readonly who: string;
}

export interface RecordedRun {
  readonly barrierMs: number;
  /** To be added to a CLOCK_MONOTONIC stamp for CLOCK_REALTIME. */
  readonly realtimeOffsetMs: number;
  /** In the order of the URLs. */
  readonly disks: readonly RecordedDisk[];
  /** Of the window, by who had it. */
  readonly cpu: readonly ProcessorTime[];
}

const NAMES: Readonly<Record<Role, string>> = {
  main: 'main thread',
  freezer: 'native threads: freeze, thaw',
  requests: 'lanes',
  runtime: 'V8’s helpers',
};

const NOTE_STEPS = join(import.meta.dirname, 'note-steps.ts');

/**
 * Runs the command, and tells every step of its window.
 *
 * @throws Error if the command fails, or does not show the steps of each disk
 */
export async function runRecorded(rig: Rig, options: RecordedOptions): Promise<RecordedRun> {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-steps-'));
  try {
    const path = join(folder, 'steps.json');
    const watch = rig.processes;
    const nodeOptions = [
      '--import',
      noteSteps({ path, watch, processorTimes: options.startAt === undefined }),
    ];
    const run = await runFlashfreeze(rig, { ...options, nodeOptions });
    if (!run.ok) {
      throw new Error(run.reason);
    }
    return joined(run.printed, JSON.parse(await readFile(path, 'utf8')) as NotedSteps);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function noteSteps(request: NoteRequest): string {
  const url = pathToFileURL(NOTE_STEPS);
  url.searchParams.set('request', JSON.stringify(request));
  return url.href;
}

/** A disk of a rig has one file system. */
function joined(printed: Printed, noted: NotedSteps): RecordedRun {
  const disks = printed.disks.map(({ device, snapshot }, target) => {
    const index = printed.fileSystems.findIndex((it) =>
      it.disks.some((name) => device === `/dev/${name}`),
    );
    const fileSystem = noted.fileSystems[index];
    const request = noted.disks[target];
    if (fileSystem === undefined || request === undefined || snapshot === null) {
      throw new Error(`the steps of ${device ?? `disk ${target}`} are not known`);
    }
    const mountPoint = printed.fileSystems[index]?.mountPoint ?? '';
    return { mountPoint, askedFreezeMs: noted.begunMs, ...fileSystem, ...request };
  });
  const own = (printed.threads ?? []).map(({ role, ...time }) => ({ who: NAMES[role], ...time }));
  const { barrierMs, realtimeOffsetMs, watched } = noted;
  return { barrierMs, realtimeOffsetMs, disks, cpu: [...own, ...watched] };
}
