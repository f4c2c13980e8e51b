import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface LinkedProcess {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
}

/** A link of `/proc/<pid>`. */
type ProcessLink = 'cwd' | 'exe' | 'root';

/**
 * The processes of which one of these links, or an open file, is such a path. A process that ends meanwhile is none. This
 * process itself is not counted.
 */
export function processesWith(
  names: readonly ProcessLink[],
  isWanted: (path: string) => boolean,
): LinkedProcess[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => linksOf(pid, names).some(isWanted))
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }));
}

function linksOf(pid: string, names: readonly ProcessLink[]): string[] {
  const descriptors = read(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const links = [...names, ...descriptors.map((name) => `fd/${name}`)];
  return links.flatMap((link) => read(() => readlinkSync(`/proc/${pid}/${link}`)) ?? []);
}

function commandOf(pid: string): string {
  const text = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  return text.split('\0').join(' ').trim();
}

function read<Result>(call: () => Result): Result | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
