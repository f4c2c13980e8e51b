/** Results in the order of the items, with at most `atOnce` under way. */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const waiting = items.entries();
  const runner = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      results.set(index, await work(item, index));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, runner));
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
