import type { SystemView } from '../../src/filesystems/system-view.ts';
import { type TreeEntry, TreeSystem } from './tree-system.ts';

/** Passes everything on to a machine and keeps what it answers. */
export class RecordingSystem implements SystemView {
  readonly #machine: SystemView;
  readonly #entries = new Map<string, TreeEntry>();

  constructor(machine: SystemView) {
    this.#machine = machine;
  }

  mountinfo(): Promise<Uint8Array> {
    return this.#machine.mountinfo();
  }

  list(directory: string): readonly string[] | undefined {
    const names = this.#machine.list(directory);
    for (const name of names ?? []) {
      const path = `${directory}/${name}`;
      this.#keep(path, this.#entries.get(path) ?? { kind: 'present' });
    }
    return names;
  }

  read(file: string): string | undefined {
    const text = this.#machine.read(file);
    this.#keep(file, text === undefined ? undefined : { kind: 'text', text });
    return text;
  }

  resolve(path: string): string | undefined {
    const target = this.#machine.resolve(path);
    if (target !== undefined && target !== path) {
      this.#keep(path, { kind: 'link', target });
      this.#keep(target, this.#entries.get(target) ?? { kind: 'present' });
    }
    return target;
  }

  inspect(path: string): ReturnType<SystemView['inspect']> {
    const inspection = this.#machine.inspect(path);
    this.#keep(path, inspection);
    return inspection;
  }

  get entries(): ReadonlyMap<string, TreeEntry> {
    return this.#entries;
  }

  #keep(path: string, entry: TreeEntry | undefined): void {
    if (entry !== undefined) {
      this.#entries.set(path, entry);
    }
  }
}

/** One line for each path, readable and good to compare. */
export function writeEntries(entries: ReadonlyMap<string, TreeEntry>): string {
  return [...entries]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, entry]) => `${JSON.stringify(path)} ${JSON.stringify(entry)}\n`)
    .join('');
}

export function readRecording(entries: string, mountinfo: string): TreeSystem {
  const read = entries
    .split('\n')
    .filter((line) => line !== '')
    .map((line): [string, TreeEntry] => {
      const [path, entry] = JSON.parse(`[${line.replace('" {', '", {')}]`);
      return [path, entry];
    });
  return new TreeSystem(new Map(read), mountinfo);
}
