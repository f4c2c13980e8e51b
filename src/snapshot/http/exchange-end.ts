import type { RawAnswer } from './attempt.ts';
import type { BrokenKind } from './failures.ts';
import type { AfterFailure } from './retry.ts';

/** How an exchange ended. */
export type ExchangeEnd =
  | { readonly kind: 'succeeded'; readonly answer: RawAnswer }
  | RefusedEnd
  | { readonly kind: 'broken'; readonly failure: BrokenKind; readonly code: string }
  | { readonly kind: 'cut'; readonly reason: 'timeout' | 'aborted' };

/** The last answer was not a success. */
interface RefusedEnd {
  readonly kind: 'refused';
  readonly answer: RawAnswer;
  /** The answer asked for a pause that was longer than the time left. */
  readonly noTime?: Extract<AfterFailure, { kind: 'no-time' }>;
}

export function refusedEnd(answer: RawAnswer, next: AfterFailure): RefusedEnd {
  return next.kind === 'no-time'
    ? { kind: 'refused', answer, noTime: next }
    : { kind: 'refused', answer };
}
