import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FILE = join(import.meta.dirname, '../build/test-durations.json');
/** A file that has not run here yet: after the long ones, before the short ones. */
const UNKNOWN = 30;
/** Roughly, for the first run in a checkout: without them, one of the long ones could be left over at its end. */
export const LONG_ONES: Readonly<Record<string, number>> = {
  'commands/authorities.lab.test.ts': 40,
  'deadlock/snapshot.lab.test.ts': 50,
  'extension/faults.lab.test.ts': 80,
  'extension/host.lab.test.ts': 90,
  'extension/polling.lab.test.ts': 50,
  'extension/polling/handle-order.lab.test.ts': 50,
  'extension/settings.lab.test.ts': 80,
  'extension/snapshot-method/take-snapshots.lab.test.ts': 50,
  'extension/systemd.lab.test.ts': 140,
  'faults/campaign.alone.lab.test.ts': 50,
  'faults/server-faults.lab.test.ts': 50,
  'faults/signals.lab.test.ts': 120,
  'package/install.lab.test.ts': 150,
  'proof/proof.lab.test.ts': 60,
  'proof/raw.lab.test.ts': 60,
  'quiesce/databases/mariadb.lab.test.ts': 40,
  'quiesce/snapshot.lab.test.ts': 60,
  'restore/drill.lab.test.ts': 50,
  'restore/end-to-end-databases.lab.test.ts': 120,
  'restore/end-to-end.lab.test.ts': 90,
  'restore/head-check.lab.test.ts': 70,
  'restore/restore-managed.lab.test.ts': 60,
  'restore/restore.lab.test.ts': 60,
  'setup/timer.lab.test.ts': 70,
  'snapshot/managed/doctor.lab.test.ts': 50,
  'snapshot/managed/hostile.lab.test.ts': 110,
  'snapshot/managed/managed.lab.test.ts': 60,
  'snapshot/managed/restore-point.lab.test.ts': 40,
  'snapshot/managed/with-options.lab.test.ts': 70,
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
