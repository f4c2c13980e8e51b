import type { ProcessView } from '../../../src/system/processes.ts';

export interface RecordedProcess {
  readonly command: string;
  /** Link and fdinfo of each descriptor. */
  readonly descriptors: Readonly<Record<number, readonly [link: string, fdinfo: string]>>;
  readonly mountinfo?: string;
  readonly namespace?: string;
  /** Missing: `/`. */
  readonly root?: string;
  readonly children?: readonly number[];
}

/** A machine's `/proc`, by process id. */
export class RecordedProcesses implements ProcessView {
  readonly #entries = new Map<string, string>();
  readonly #directories = new Map<string, Set<string>>();

  /** @param pidNamespace of the reader; the default is not the machine's first one */
  constructor(
    processes: Readonly<Record<number | 'self', RecordedProcess>>,
    pidNamespace = 'pid:[4026532200]',
  ) {
    this.#add('/proc/self/ns/pid', pidNamespace);
    for (const [pid, process] of Object.entries(processes)) {
      this.#add(`/proc/${pid}/comm`, `${process.command}\n`);
      this.#add(`/proc/${pid}/mountinfo`, process.mountinfo ?? '');
      this.#add(`/proc/${pid}/ns/mnt`, process.namespace ?? 'mnt:[1]');
      this.#add(`/proc/${pid}/root`, process.root ?? '/');
      this.#add(`/proc/${pid}/task/${pid}/children`, (process.children ?? []).join(' '));
      for (const [number, [link, fdinfo]] of Object.entries(process.descriptors)) {
        this.#add(`/proc/${pid}/fd/${number}`, link);
        this.#add(`/proc/${pid}/fdinfo/${number}`, fdinfo);
      }
    }
  }

  list(directory: string): Promise<readonly string[] | undefined> {
    const names = this.#directories.get(directory);
    return Promise.resolve(names && [...names]);
  }

  link(path: string): Promise<string | undefined> {
    return Promise.resolve(this.#entries.get(path));
  }

  read(file: string): Promise<string | undefined> {
    return Promise.resolve(this.#entries.get(file));
  }

  #add(path: string, content: string): void {
    this.#entries.set(path, content);
    const names = path.split('/').slice(1);
    for (const [depth, name] of names.entries()) {
      const directory = `/${names.slice(0, depth).join('/')}`;
      this.#directories.set(directory, (this.#directories.get(directory) ?? new Set()).add(name));
    }
  }
}
