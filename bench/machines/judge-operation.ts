import type { Operation } from './machine.ts';
import { judgeSnapshotRun } from './snapshot-run.ts';
import type { CommandEnd, Seen } from './stages.ts';

interface Judgement {
  readonly windowMs: number;
  readonly problems: readonly string[];
  /** The run claims that its snapshots show one instant, so that is to be checked. */
  readonly isClaimed: boolean;
}

/** Judges a run beside an operation: it must be told of beforehand, and the run may not claim too much. Pure. */
export function judgeOperation(
  { expects, foretold }: Operation,
  snapshot: CommandEnd,
  seen: Seen | undefined,
): Judgement {
  const run = judgeSnapshotRun(snapshot);
  const isClaimed = run.problems.length === 0;
  const isRefused = run.windowMs === 0;
  const came = isClaimed ? 'consistent' : isRefused ? 'refused' : 'not-shown';
  // What moves data may happen to write nothing in the window; then the snapshots are checked.
  const isRight = came === expects || (expects === 'not-shown' && came === 'consistent');
  return {
    windowMs: run.windowMs,
    isClaimed,
    problems: [
      ...(isRight ? [] : [`the run was expected to be ${expects}, is ${came}`, ...run.problems]),
      ...judgeSeen(foretold, seen, came === 'consistent'),
    ],
  };
}

/** @param isClaimed then the operation must have gone on until after the run */
function judgeSeen(
  foretold: string | undefined,
  seen: Seen | undefined,
  isClaimed: boolean,
): string[] {
  const { states = [], warnings = [] } = seen ?? {};
  const [before = 'unknown', after = 'unknown'] = states;
  const wanted = isClaimed ? [before, after] : [before];
  return [
    ...(wanted.every((state) => state.startsWith('running'))
      ? []
      : [`the operation did not run: ${wanted.join(', then ')}`]),
    ...(foretold === undefined || warnings.some(({ id }) => id === foretold)
      ? []
      : [`doctor does not warn of it as ${foretold}`]),
  ];
}
