import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FILE = join(import.meta.dirname, '../build/test-durations.json');

/**
 * How long each test file took when it last ran here, in seconds. Where several share the cores the longest begin first,
 * so that none is left over at the end, when the other cores have nothing to do.
 */
export class Durations {
  readonly #seconds: Map<string, number>;

  constructor(seconds: Readonly<Record<string, number>> = read()) {
    this.#seconds = new Map(Object.entries(seconds));
  }

  /** Files that have not run yet come first: they may take long. */
  longestFirst(names: readonly string[]): string[] {
    const of = (name: string): number => this.#seconds.get(name) ?? Number.MAX_VALUE;
    return [...names].sort((a, b) => of(b) - of(a));
  }

  add(name: string, seconds: number): void {
    this.#seconds.set(name, seconds);
  }

  save(): void {
    mkdirSync(dirname(FILE), { recursive: true });
    writeFileSync(FILE, JSON.stringify(Object.fromEntries(this.#seconds), null, 1));
  }
}

/** Nothing where no run has been recorded, or only half of one, because another run writes it now. */
function read(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, number>;
  } catch {
    return {};
  }
}
