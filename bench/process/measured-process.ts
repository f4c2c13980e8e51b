import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

export interface MeasuredRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly usage: Usage;
}

export interface Usage {
  /** User and system time of the process and of what it started. */
  readonly cpuMs: number;
  /** Sum of the peaks of every process of the tree, however short it lived beside the others. */
  readonly peakRssMb: number;
}

interface Report {
  readonly pid: number;
  readonly exitCode: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly peakRssKb: number;
}

/** Peaks only grow, so rarely is often enough; each look costs some 0.5 ms of CPU. */
const LOOK_INTERVAL_MS = 250;

/**
 * Runs a command to its end, whatever its exit code, and says what it and its children used.
 *
 * @param launcher the compiled run-measured.c
 */
export async function runMeasured(
  launcher: string,
  command: readonly string[],
  input: string,
): Promise<MeasuredRun> {
  const child = spawn(launcher, command, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const peaks = new TreePeaks(child);
  const looking = setInterval(() => peaks.look(), LOOK_INTERVAL_MS);
  try {
    // A command that does not read its input is no failure.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const [stdout, stderr, report] = await Promise.all([
      text(child.stdout as Readable),
      text(child.stderr as Readable),
      text(child.stdio[3] as Readable),
      once(child, 'close'),
    ]);
    const { pid, exitCode, userUs, systemUs, peakRssKb } = JSON.parse(report) as Report;
    const usage = {
      cpuMs: (userUs + systemUs) / 1_000,
      peakRssMb: (peakRssKb + peaks.otherThanKb(pid)) / 1_024,
    };
    return { exitCode, stdout, stderr, usage };
  } finally {
    clearInterval(looking);
  }
}

/** Why a run failed: its exit code and the last that it said, without stacks. */
export function failureOf({ exitCode, stderr }: MeasuredRun): string {
  const said = stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line))
    .slice(-3)
    .join(' | ');
  return `exit code ${exitCode}: ${said}`;
}

/** The peak sizes (VmHWM) of the processes below one, as far as they were seen. */
class TreePeaks {
  readonly #root: ChildProcess;
  readonly #peakKb = new Map<number, number>();

  constructor(root: ChildProcess) {
    this.#root = root;
  }

  look(): void {
    for (const pid of descendantsOf(this.#root.pid ?? 0)) {
      const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`))?.[1];
      if (peak !== undefined) {
        this.#peakKb.set(pid, Number(peak));
      }
    }
  }

  /** The last look counts: before it, a process may still have been the copy of its parent. */
  otherThanKb(pid: number): number {
    return [...this.#peakKb].reduce((sum, [each, peak]) => sum + (each === pid ? 0 : peak), 0);
  }
}

/** Not every kernel has /proc/<pid>/task/<tid>/children, so by the parent of each process. */
function descendantsOf(root: number): Set<number> {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => [Number(pid), parentOf(pid)] as const);
  const found = new Set<number>();
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) {
      if (parent === root || found.has(parent)) {
        found.add(pid);
      }
    }
  }
  return found;
}

/** Fourth field of stat; the second, the name, is in parentheses and may hold anything. */
function parentOf(pid: string): number {
  const stat = readProc(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/** Empty if the process has ended meanwhile. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
