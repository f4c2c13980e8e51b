import { dirname, join } from 'node:path/posix';
import type { Inspection, SystemView } from '../../src/filesystems/system-view.ts';
import type { DeviceNumber } from '../../src/system/device-number.ts';

export type TreeEntry =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'block'; readonly number: DeviceNumber }
  | { readonly kind: 'file'; readonly device: DeviceNumber; readonly sizeBytes: number }
  /** In a listing, with nothing more known. */
  | { readonly kind: 'present' };

/** A machine held in memory: paths with what is there. Directories follow from what is in them. */
export class TreeSystem implements SystemView {
  readonly #entries: ReadonlyMap<string, TreeEntry>;
  readonly #names = new Map<string, Set<string>>();
  readonly #mountinfo: string;
  /** How often each path was asked for, whatever the question. */
  readonly asked = new Map<string, number>();

  constructor(entries: ReadonlyMap<string, TreeEntry>, mountinfo: string) {
    this.#entries = entries;
    this.#mountinfo = mountinfo;
    for (const path of entries.keys()) {
      this.#addToParent(path);
    }
  }

  mountinfo(): Promise<Uint8Array> {
    return Promise.resolve(Buffer.from(this.#mountinfo));
  }

  list(directory: string): string[] | undefined {
    const names = this.#names.get(this.#ask(directory) ?? '');
    return names && [...names];
  }

  read(file: string): string | undefined {
    const entry = this.#entryAt(file);
    return entry?.kind === 'text' ? entry.text : undefined;
  }

  resolve(path: string): string | undefined {
    return this.#ask(path);
  }

  inspect(path: string): Inspection | undefined {
    const entry = this.#entryAt(path);
    return entry?.kind === 'block' || entry?.kind === 'file' ? entry : undefined;
  }

  #entryAt(path: string): TreeEntry | undefined {
    return this.#entries.get(this.#ask(path) ?? '');
  }

  #ask(path: string): string | undefined {
    this.asked.set(path, (this.asked.get(path) ?? 0) + 1);
    return this.#resolve(path);
  }

  #resolve(path: string): string | undefined {
    if (path === '/') {
      return path;
    }
    const parent = this.#resolve(dirname(path));
    const here = parent && join(parent, path.slice(path.lastIndexOf('/') + 1));
    const entry = here === undefined ? undefined : this.#entries.get(here);
    if (entry?.kind === 'link') {
      return this.#resolve(entry.target);
    }
    return here !== undefined && (entry || this.#names.has(here)) ? here : undefined;
  }

  #addToParent(path: string): void {
    const parent = dirname(path);
    const names = this.#names.get(parent) ?? new Set();
    names.add(path.slice(path.lastIndexOf('/') + 1));
    if (!this.#names.has(parent)) {
      this.#names.set(parent, names);
      if (parent !== '/') {
        this.#addToParent(parent);
      }
    }
  }
}
