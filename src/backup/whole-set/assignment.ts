/**
 * How many of the wanted items the offers can provide together if each offer provides one of its items: the size of a
 * maximum matching in a bipartite graph, by augmenting paths (Kuhn's algorithm). Pure.
 */
export function mostServed(
  wanted: readonly string[],
  offers: readonly (readonly string[])[],
): number {
  const offerOf = new Map<string, number>();
  const isWanted = new Set(wanted);
  const serve = (offer: number, tried: Set<string>): boolean => {
    for (const item of offers[offer] ?? []) {
      if (!isWanted.has(item) || tried.has(item)) {
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
  return offers.filter((_, offer) => serve(offer, new Set())).length;
}
