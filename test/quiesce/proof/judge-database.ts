import {
  ACCOUNTS,
  type Acknowledged,
  FIRST_BALANCE,
} from '../../../src/lab/databases/transfers.ts';

/** Everything that a snapshot of the bank is judged by, as rows of `;`-separated numbers. */
export const QUESTIONS = {
  sum: 'SELECT SUM(balance) FROM accounts;',
  wrongAccounts: `SELECT COUNT(*) FROM accounts a WHERE balance <> ${FIRST_BALANCE} + COALESCE((SELECT SUM(amount) FROM journal WHERE target = a.id), 0) - COALESCE((SELECT SUM(amount) FROM journal WHERE source = a.id), 0);`,
  writers: 'SELECT writer, MAX(sequence), COUNT(*) FROM journal GROUP BY writer;',
} as const;

/** What a server on the snapshot answered. */
export interface Contents {
  readonly sum: number;
  readonly wrongAccounts: number;
  readonly writers: readonly {
    readonly writer: number;
    readonly last: number;
    readonly count: number;
  }[];
}

/** Wall clocks are told in whole ms, and the barrier between two of them. */
const CLOCK_MS = 2;

/**
 * What is wrong with a snapshot that is to show this instant: sums, gaps, transactions acknowledged before
 * that are missing, transactions sent after that are there. Empty where all is right.
 */
export function judgeContents(
  contents: Contents,
  history: readonly (readonly Acknowledged[])[],
  barrierMs: number,
): string[] {
  const expected = ACCOUNTS * FIRST_BALANCE;
  return [
    ...(contents.sum === expected
      ? []
      : [`the balances sum up to ${contents.sum}, not ${expected}`]),
    ...(contents.wrongAccounts === 0
      ? []
      : [`${contents.wrongAccounts} accounts do not agree with the journal`]),
    ...history.flatMap((all, writer) => judgeWriter(contents, all, writer, barrierMs)),
  ];
}

function judgeWriter(
  { writers }: Contents,
  all: readonly Acknowledged[],
  writer: number,
  barrierMs: number,
): string[] {
  const { last, count } = writers.find((it) => it.writer === writer) ?? { last: 0, count: 0 };
  const lastBefore = all.findLast(({ acknowledgedMs }) => acknowledgedMs < barrierMs - CLOCK_MS);
  const firstAfter = all.find(({ sentMs }) => sentMs > barrierMs + CLOCK_MS);
  return [
    ...(last === count ? [] : [`writer ${writer}: ${count} transactions up to number ${last}`]),
    ...(last >= (lastBefore?.sequence ?? 0)
      ? []
      : [
          `writer ${writer}: ${lastBefore?.sequence} was acknowledged before the barrier, ${last} is the last there`,
        ]),
    ...(firstAfter === undefined || last < firstAfter.sequence
      ? []
      : [`writer ${writer}: ${firstAfter.sequence} was sent after the barrier, and is there`]),
  ];
}
