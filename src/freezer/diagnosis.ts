import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type FreezePhase, freezePhase, type KernelWait, kernelWait } from './kernel-stack.ts';

export interface StuckFreeze {
  readonly fileSystem: number;
  /** Undefined where the FIFREEZE has returned meanwhile or its stack cannot be read. */
  readonly phase: FreezePhase | undefined;
}

/** A task of another process that waits in the kernel for what a freeze is involved in. */
export interface WaitingTask {
  readonly pid: number;
  readonly command: string;
  readonly waitsFor: KernelWait;
}

export interface Diagnosis {
  readonly stuck: readonly StuckFreeze[];
  readonly waiting: readonly WaitingTask[];
}

/** Looking at 1,600 processes takes some 100 ms. */
export const DIAGNOSIS_LIMIT_MS = 1000;
/** Threads of libuv's pool that read side by side. */
const AT_ONCE = 4;
/** Tasks named in the text. */
const MAX_NAMED = 8;

/**
 * Looks at what stuck freezes wait for. To be called while they are stuck. Only `/proc` is read, and
 * nothing of it that could wait for a file system.
 *
 * @param threads for each file system the thread that freezes it: `Freezer.freezingThreads()`
 * @param fileSystems those that are stuck, indexes into `threads`
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

/** What any thread of a process waits for. */
async function waitOf(pid: number): Promise<KernelWait | undefined> {
  for (const thread of await names(`/proc/${pid}/task`)) {
    // The stack is read only of those that sleep in a place of interest: it takes a lock.
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

/** Empty where the task has ended or nothing may be read of it. */
async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch(() => '');
}

const PHASE_TEXTS: Readonly<Record<FreezePhase, string>> = {
  mount: 'waits for a mount, unmount or freeze of somebody else',
  writers: 'waits for somebody who is writing or opening a file there',
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
 * Says in a sentence each who is stuck where, and in one more who else waits, daemons first.
 *
 * @param mountPoints for each file system
 * @param daemons processes that file systems are known to depend on
 */
export function describeDiagnosis(
  { stuck, waiting }: Diagnosis,
  mountPoints: readonly string[],
  daemons: ReadonlySet<number> = new Set(),
): string[] {
  const sentences = stuck.map(({ fileSystem, phase }) => {
    const where = phase === undefined ? 'is stuck' : `is stuck: it ${PHASE_TEXTS[phase]}`;
    return `the freeze of ${mountPoints[fileSystem]} ${where}`;
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
