import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type FreezePhase, freezePhase, type KernelWait, kernelWait } from './kernel-stack.ts';

export interface StuckFreeze {
  readonly fileSystem: number;
  /** Undefined if the FIFREEZE has returned meanwhile or its stack cannot be read. */
  readonly phase: FreezePhase | undefined;
}

/** A task of another process that waits in the kernel for something that a freeze may block. */
export interface WaitingTask {
  readonly pid: number;
  readonly command: string;
  readonly waitsFor: KernelWait;
}

export interface Diagnosis {
  readonly stuck: readonly StuckFreeze[];
  readonly waiting: readonly WaitingTask[];
}

/** Reading 1,600 processes takes about 100 ms. */
export const DIAGNOSIS_LIMIT_MS = 1000;
/** Threads of libuv's pool that read in parallel. */
const AT_ONCE = 4;
/** Tasks named in the text. */
const MAX_NAMED = 8;

/**
 * Finds out what stuck freezes wait for. Call it while they are stuck. It reads only `/proc`, and no file in it
 * that could wait for a file system.
 *
 * @param threads the freezing thread of each file system: `Freezer.freezingThreads()`
 * @param fileSystems the stuck ones, as indexes into `threads`
 */
export async function diagnose(
  threads: readonly number[],
  fileSystems: readonly number[],
  limitMs: number = DIAGNOSIS_LIMIT_MS,
): Promise<Diagnosis> {
  const waiting: WaitingTask[] = [];
  const over = new AbortController();
  const timeUp = delay(limitMs, undefined, { signal: over.signal }).catch(() => {});
  const stuck = Promise.all(
    fileSystems.map(async (fileSystem) => {
      const stack = await readText(`/proc/self/task/${threads[fileSystem]}/stack`);
      return { fileSystem, phase: freezePhase(stack) };
    }),
  );
  const unknown = timeUp.then(() =>
    fileSystems.map((fileSystem) => ({ fileSystem, phase: undefined })),
  );
  const phases = await Promise.race([stuck, unknown]);
  await Promise.race([findWaiting(waiting, over.signal), timeUp]);
  over.abort();
  return { stuck: phases, waiting: [...waiting] };
}

async function findWaiting(found: WaitingTask[], over: AbortSignal): Promise<void> {
  const pids = (await names('/proc')).filter((pid) => pid !== process.pid);
  const worker = async (): Promise<void> => {
    for (let pid = pids.pop(); pid !== undefined && !over.aborted; pid = pids.pop()) {
      const waitsFor = await waitOf(pid);
      if (waitsFor !== undefined && !over.aborted) {
        const command = (await readText(`/proc/${pid}/comm`)).trimEnd();
        found.push({ pid, command, waitsFor });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Finds the first wait of interest among the threads of a process. */
async function waitOf(pid: number): Promise<KernelWait | undefined> {
  for (const thread of await names(`/proc/${pid}/task`)) {
    // Read the stack only if the thread sleeps in a place of interest: reading it takes a lock.
    const place = await readText(`/proc/${pid}/task/${thread}/wchan`);
    if (kernelWait(`[<0>] ${place}`) !== undefined) {
      const waitsFor = kernelWait(await readText(`/proc/${pid}/task/${thread}/stack`));
      if (waitsFor !== undefined) {
        return waitsFor;
      }
    }
  }
  return undefined;
}

async function names(directory: string): Promise<number[]> {
  const all = await readdir(directory).catch(() => []);
  return all.filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Empty if the task has ended or its files may not be read. */
async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch(() => '');
}

const PHASE_TEXTS: Readonly<Record<FreezePhase, string>> = {
  mount: 'waits for a mount, unmount or freeze by another process',
  writers: 'waits for a process that is writing or opening a file there',
  'write-back': 'waits for its data to be written back',
  'file-system': 'waits for its journal to be written',
};
const WAIT_TEXTS: Readonly<Record<KernelWait, string>> = {
  permission: 'waits for the answer of a permission daemon',
  fuse: 'waits for the answer of a FUSE daemon',
  thaw: 'waits for a thaw',
};
const WAIT_ORDER: readonly KernelWait[] = ['permission', 'fuse', 'thaw'];

/**
 * Describes each stuck freeze in one sentence, and the other waiting tasks in one more, daemons first.
 *
 * @param mountPoints one for each file system
 * @param daemons known processes that file systems depend on
 */
export function describeDiagnosis(
  { stuck, waiting }: Diagnosis,
  mountPoints: readonly string[],
  daemons: ReadonlySet<number> = new Set(),
): string[] {
  const sentences = stuck.map(({ fileSystem, phase }) => {
    const state = phase === undefined ? 'is stuck' : `is stuck: it ${PHASE_TEXTS[phase]}`;
    return `the freeze of ${mountPoints[fileSystem]} ${state}`;
  });
  const rank = ({ pid, waitsFor }: WaitingTask): number =>
    daemons.has(pid) ? -1 : WAIT_ORDER.indexOf(waitsFor);
  const ranked = waiting.toSorted((a, b) => rank(a) - rank(b) || a.pid - b.pid);
  const named = ranked
    .slice(0, MAX_NAMED)
    .map(({ pid, command, waitsFor }) => `${command} (pid ${pid}) ${WAIT_TEXTS[waitsFor]}`);
  const more = ranked.length > MAX_NAMED ? [`${ranked.length - MAX_NAMED} more wait`] : [];
  return waiting.length === 0 ? sentences : [...sentences, [...named, ...more].join(', ')];
}
