import { type FSWatcher, mkdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';

/** Reads a status folder's files whenever one changes, as an agent that looks at every moment would. */
export class StatusWatch implements Disposable {
  readonly #folder: string;
  readonly #watcher: FSWatcher;
  readonly #seen: string[] = [];
  readonly #names = new Set<string>();

  /** The folder is made where it is not there yet. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#watcher = watch(folder, (_, name) => this.#look(name ?? ''));
  }

  /** Every text that a `<n>.status` was seen with, repetitions left out; '' where it was empty. */
  get texts(): readonly string[] {
    return this.#seen;
  }

  /** Names of all files that were in the folder at some time. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  #look(name: string): void {
    this.#names.add(name);
    if (!/^\d+\.status$/.test(name)) {
      return;
    }
    try {
      const text = readFileSync(join(this.#folder, name), 'utf8');
      if (text !== this.#seen.at(-1)) {
        this.#seen.push(text);
      }
    } catch {
      // Renamed or removed meanwhile.
    }
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}
