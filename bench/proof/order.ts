/**
 * One ordered writer: it puts record k = 1, 2, 3… on one file system after the other and makes each
 * durable before it starts the next. `places` is the order in which it goes round them.
 */
export interface Chain {
  readonly number: number;
  readonly places: readonly number[];
  /** Missing for a writer that never rests of its own accord. */
  readonly pauses?: Pauses;
}

/** A writer that pauses after every so many records, by a random number for each pause. */
export interface Pauses {
  readonly seed: number;
  readonly mostRecords: number;
  readonly longestMs: number;
}

/**
 * `append` adds to a file that stays open (new blocks, fdatasync); `replace` writes a new file and
 * renames it over the last one (inode, directory entry, fsync of file and directory).
 */
export type RecordKind = 'append' | 'replace';

export interface Step {
  readonly place: number;
  readonly kind: RecordKind;
  /** Which of the replaced files it is; of no meaning for `append`. */
  readonly slot: number;
  /** How often the chain has been round all its places before; even for `append`. */
  readonly round: number;
}

/** So many of the latest replacements stay readable on each place. */
export const SLOT_COUNT = 8;

/** Where and how the writer of a chain puts record `k`: kinds take turns from round to round. */
export function stepOf(chain: Chain, k: number): Step {
  const round = Math.floor((k - 1) / chain.places.length);
  const place = chain.places[(k - 1) % chain.places.length];
  if (place === undefined) {
    throw new RangeError(`record ${k} has no place on a chain of ${chain.places.length}`);
  }
  return {
    place,
    kind: round % 2 === 0 ? 'append' : 'replace',
    slot: Math.floor(round / 2) % SLOT_COUNT,
    round,
  };
}

/** What one place holds of one chain. */
export interface Holding {
  /** In the order of the file. */
  readonly appended: readonly number[];
  readonly slots: ReadonlyMap<number, number>;
}

/** What `place` holds when records 1…`last` have been written and no other. */
export function expectedHolding(chain: Chain, place: number, last: number): Holding {
  const appended: number[] = [];
  const slots = new Map<number, number>();
  const first = chain.places.indexOf(place) + 1;
  for (let k = first; first > 0 && k <= last; k += chain.places.length) {
    const { kind, slot } = stepOf(chain, k);
    if (kind === 'append') {
      appended.push(k);
    } else {
      slots.set(slot, k);
    }
  }
  return { appended, slots };
}
