import { type Column, renderTable } from '../table.ts';
import { DRILLS, type Drilled } from './drills/drills.ts';

/** What came of one machine on one kernel. */
export interface MachineResult {
  readonly machine: string;
  readonly kernel: string;
  /** As the machine itself says. */
  readonly release: string;
  readonly fileSystems: number;
  readonly disks: number;
  /** Records of the ordered writers that the snapshots show. */
  readonly records: number;
  readonly windowMs: number;
  readonly seconds: number;
  /** None if it passed. */
  readonly problems: readonly string[];
  readonly drills?: readonly Drilled[];
  /** Taken from an earlier run with the program as it is now. */
  readonly earlier: boolean;
}

export function hasPassed({ problems }: MachineResult): boolean {
  return problems.length === 0;
}

const COLUMNS: readonly Column<MachineResult>[] = [
  { head: 'machine', value: ({ machine }) => machine },
  { head: 'kernel', value: ({ release }) => release },
  { head: 'file systems', decimals: 0, value: ({ fileSystems }) => fileSystems },
  { head: 'disks', decimals: 0, value: ({ disks }) => disks },
  { head: 'records', decimals: 0, value: ({ records }) => records },
  { head: 'window ms', decimals: 0, value: ({ windowMs }) => windowMs },
  { head: 's', decimals: 0, value: ({ seconds }) => seconds },
  { head: 'verdict', value: verdictOf },
];

interface DrillRow extends Drilled {
  readonly machine: string;
  readonly kernel: string;
}

const DRILL_COLUMNS: readonly Column<DrillRow>[] = [
  { head: 'machine', value: ({ machine }) => machine },
  { head: 'kernel', value: ({ kernel }) => kernel },
  { head: 'drill', value: ({ name }) => name },
  { head: 'exit code', decimals: 0, value: ({ code }) => code },
  { head: 'longest write ms', decimals: 0, value: (row) => longestOf(row, false) },
  { head: 'on the harmed disk', decimals: 0, value: (row) => longestOf(row, true) },
  { head: 'fails later on', value: ({ later }) => later.map(({ at }) => at).join(', ') },
];

/** Of the writers on the disk that the drill breaks, or on the others. */
function longestOf({ name, writers }: DrillRow, isHarmed: boolean): number {
  const harmed = name in DRILLS ? DRILLS[name as keyof typeof DRILLS].harmed?.at : undefined;
  return Math.max(
    ...writers.filter(({ at }) => (at === harmed) === isHarmed).map(({ longestMs }) => longestMs),
  );
}

/** What writers felt of each drill, and what became of the run. */
function renderDrills(results: readonly MachineResult[]): string[] {
  const rows = results.flatMap(({ machine, release, drills = [] }) =>
    drills.map((drilled) => ({ ...drilled, machine, kernel: release })),
  );
  return rows.length === 0 ? [] : [renderTable('Drills', DRILL_COLUMNS, rows)];
}

/** A table, then what came of drills, then the problems of each machine that did not pass. Pure. */
export function renderResults(results: readonly MachineResult[]): string {
  const problems = results.flatMap(({ machine, kernel, problems: lines }) =>
    lines.map((line) => `${machine} on ${kernel}: ${line}`),
  );
  const failed = results.filter((it) => !hasPassed(it)).length;
  const closing = `${results.length - failed} machines passed, ${failed} failed`;
  const tables = [renderTable('Machines', COLUMNS, results), ...renderDrills(results)];
  return [...tables, ...problems, closing].join('\n');
}

function verdictOf(result: MachineResult): string {
  if (!hasPassed(result)) {
    return 'FAILED';
  }
  return result.earlier ? 'passed before' : 'passed';
}
