/** Which offer provides each item: a maximum matching in a bipartite graph, by augmenting paths (Kuhn's algorithm). */
function assign(
  wanted: ReadonlySet<string>,
  offers: readonly (readonly string[])[],
): { readonly offerOf: ReadonlyMap<string, number>; readonly unused: readonly number[] } {
  const offerOf = new Map<string, number>();
  const serve = (offer: number, tried: Set<string>): boolean => {
    for (const item of offers[offer] ?? []) {
      if (!wanted.has(item) || tried.has(item)) {
        continue;
      }
      tried.add(item);
      const holder = offerOf.get(item);
      if (holder === undefined || serve(holder, tried)) {
        offerOf.set(item, offer);
        return true;
      }
    }
    return false;
  };
  const unused = [...offers.keys()].filter((offer) => !serve(offer, new Set()));
  return { offerOf, unused };
}

/** How many of the wanted items the offers can provide together if each offer provides one of its items. Pure. */
export function mostServed(
  wanted: readonly string[],
  offers: readonly (readonly string[])[],
): number {
  return assign(new Set(wanted), offers).offerOf.size;
}

/** Offers that cannot all provide an item of their own: there are more of them than of their items. */
export interface Surplus {
  /** Indexes of the offers, in order; each of them may be one without an item. */
  readonly offers: readonly number[];
  /** All items that these offers can provide, in order. */
  readonly items: readonly string[];
}

/** The offers that cannot all provide one of the wanted items each, in groups without a common item. Pure. */
export function surplusIn(
  wanted: readonly string[],
  offers: readonly (readonly string[])[],
): Surplus[] {
  const isWanted = new Set(wanted);
  const { offerOf, unused } = assign(isWanted, offers);
  const itemsOf = (offer: number): string[] =>
    (offers[offer] ?? []).filter((item) => isWanted.has(item));
  // Each of these can give up its item for another of them, so any could be the one without.
  const surplus = closure(unused, (offer) =>
    itemsOf(offer).flatMap((item) => offerOf.get(item) ?? []),
  );
  const groups: Surplus[] = [];
  for (const first of surplus) {
    if (!groups.some((group) => group.offers.includes(first))) {
      const members = closure([first], (offer) =>
        surplus.filter((it) => itemsOf(it).some((item) => itemsOf(offer).includes(item))),
      );
      groups.push({ offers: members, items: [...new Set(members.flatMap(itemsOf))].sort() });
    }
  }
  return groups;
}

/** What is reached from the first ones, themselves included, in order. */
function closure(first: readonly number[], next: (from: number) => readonly number[]): number[] {
  const reached = new Set(first);
  // A set can be added to while it is gone through.
  for (const from of reached) {
    for (const to of next(from)) {
      reached.add(to);
    }
  }
  return [...reached].sort((a, b) => a - b);
}
