import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that runs from a folder or has a file of it open. */
export interface User {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
}

/**
 * The processes that use a folder's files: those whose program lies there, and shells that read the launcher. A process
 * that ends meanwhile is none. This process itself is not counted.
 */
export function usersOf(folder: string): User[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => links(name).some((path) => path.startsWith(`${folder}/`)))
    .map((name) => ({ pid: Number(name), command: commandOf(name) }));
}

function links(pid: string): string[] {
  const descriptors = read(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  const paths = [`/proc/${pid}/exe`, ...descriptors.map((name) => `/proc/${pid}/fd/${name}`)];
  return paths.flatMap((path) => read(() => readlinkSync(path)) ?? []);
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
