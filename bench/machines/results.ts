import { type Column, renderTable } from '../table.ts';

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

/** A table, then the problems of each machine that did not pass. Pure. */
export function renderResults(results: readonly MachineResult[]): string {
  const problems = results.flatMap(({ machine, kernel, problems: lines }) =>
    lines.map((line) => `${machine} on ${kernel}: ${line}`),
  );
  const failed = results.filter((it) => !hasPassed(it)).length;
  const closing = `${results.length - failed} machines passed, ${failed} failed`;
  return [renderTable('Machines', COLUMNS, results), ...problems, closing].join('\n');
}

function verdictOf(result: MachineResult): string {
  if (!hasPassed(result)) {
    return 'FAILED';
  }
  return result.earlier ? 'passed before' : 'passed';
}
