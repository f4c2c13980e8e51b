import Table from 'cli-table3';
import { FAULT_KINDS } from './draw.ts';
import { STAGES } from './findings.ts';
import { LIMIT_MS, type RoundResult, TIMEOUT_MS } from './round.ts';

/** True if every round ended as it should. */
export function isGood(results: readonly RoundResult[]): boolean {
  return results.every(({ leftFrozen, problems }) => !leftFrozen && problems.length === 0);
}

/** What to say of a round that went wrong; empty for a good one. */
export function describeRound({ drawn, stage, leftFrozen, problems }: RoundResult): string[] {
  const what = `${JSON.stringify(drawn)}, hit ${stage ?? 'nothing'}`;
  return [
    ...(leftFrozen ? [`LEFT FROZEN: ${what}`] : []),
    ...problems.map((problem) => `${problem} (${what})`),
  ];
}

/** The table of a campaign, one line a fault, and a closing sentence. */
export function renderCampaign(results: readonly RoundResult[], seed: number): string {
  const table = new Table({
    head: [
      ...['fault', 'rounds', ...STAGES, 'too late'],
      ...['left frozen', 'read-only', 'other', 'slowest recovery ms'],
    ],
    colAligns: ['left', ...new Array<'right'>(STAGES.length + 6).fill('right')],
    style: { head: [], border: [] },
  });
  for (const kind of FAULT_KINDS) {
    const own = results.filter(({ drawn }) => drawn.kind === kind);
    if (own.length > 0) {
      table.push([kind, ...rowOf(own)]);
    }
  }
  table.push(['all', ...rowOf(results)]);
  const frozen = results.filter(({ leftFrozen }) => leftFrozen).length;
  const readOnly = results.filter((it) => it.readOnly.length > 0).length;
  const others = results.filter(({ problems }) => problems.length > 0).length;
  return `${table.toString()}
${results.length} rounds, seed ${seed}: ${frozen} left frozen, ${readOnly} with a btrfs that the kernel made read-only, ${others} with other problems; slowest recovery ${slowestMs(results)} ms (time-out ${TIMEOUT_MS} ms, allowed ${LIMIT_MS} ms)`;
}

function rowOf(results: readonly RoundResult[]): number[] {
  return [
    results.length,
    ...STAGES.map((stage) => results.filter((it) => it.stage === stage).length),
    results.filter(({ stage }) => stage === undefined).length,
    results.filter(({ leftFrozen }) => leftFrozen).length,
    results.filter(({ readOnly }) => readOnly.length > 0).length,
    results.filter(({ problems }) => problems.length > 0).length,
    slowestMs(results),
  ];
}

function slowestMs(results: readonly RoundResult[]): number {
  return Math.round(Math.max(0, ...results.map(({ recoveryMs = 0 }) => recoveryMs)));
}
