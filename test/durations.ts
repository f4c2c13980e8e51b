import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FILE = join(import.meta.dirname, '../build/test-durations.json');
/** A file that has not run here yet: after the long ones, before the short ones. */
const UNKNOWN = 30;
/** Roughly, for the first run in a checkout: without them, one of the long ones could be left over at its end. */
export const LONG_ONES: Readonly<Record<string, number>> = {
  'commands/many-snapshots.test.ts': 100,
  'commands/snapshots.test.ts': 50,
  'extension/faults.lab.test.ts': 120,
  'extension/host.lab.test.ts': 60,
  'extension/lifecycle.lab.test.ts': 60,
  'extension/odd-states.lab.test.ts': 50,
  'extension/polling.lab.test.ts': 60,
  'extension/secrets.lab.test.ts': 40,
  'extension/settings.lab.test.ts': 80,
  'extension/systemd.lab.test.ts': 110,
  'faults/signals.lab.test.ts': 40,
  'proof/managed.lab.test.ts': 40,
  'proof/proof.lab.test.ts': 60,
  'quiesce/databases/postgres.lab.test.ts': 40,
  'snapshot/managed/doctor.lab.test.ts': 40,
  'snapshot/managed/hostile.lab.test.ts': 70,
  'snapshot/managed/with-options.lab.test.ts': 40,
};

/**
 * How long each test file took when it last ran here, in seconds. Where several share the cores the longest begin first,
 * so that none is left over at the end, when the other cores have nothing to do.
 */
export class Durations {
  readonly #seconds: Map<string, number>;

  constructor(recorded: Readonly<Record<string, number>> = read()) {
    this.#seconds = new Map(Object.entries({ ...LONG_ONES, ...recorded }));
  }

  longestFirst(names: readonly string[]): string[] {
    const of = (name: string): number => this.#seconds.get(name) ?? UNKNOWN;
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
