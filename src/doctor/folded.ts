/** As many of a list are shown to people. */
const SHOWN = 8;

/** The first of a list, and how many more there are; all of a list that is hardly longer. Pure. */
export function folded<T>(
  list: readonly T[],
  shown: number = SHOWN,
): { first: readonly T[]; more: number } {
  const isShort = list.length <= shown + 2;
  return isShort
    ? { first: list, more: 0 }
    : { first: list.slice(0, shown), more: list.length - shown };
}

/** The names between commas, cut if there are many. Pure. */
export function listedBriefly(names: readonly string[]): string {
  const { first, more } = folded(names);
  return more === 0 ? first.join(', ') : `${first.join(', ')} and ${more} more`;
}
