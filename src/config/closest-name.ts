/** The name with the least edit distance to `typed`, ignoring case; for "did you mean …". */
export function closestName(typed: string, names: readonly string[]): string {
  const distances = names.map((name) => editDistance(typed.toLowerCase(), name.toLowerCase()));
  return names[distances.indexOf(Math.min(...distances))] ?? '';
}

/** Levenshtein: insertions, deletions and replacements between two texts. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      const changed = 1 + Math.min(row[column + 1] ?? 0, next[column] ?? 0);
      next.push(Math.min(replaced, changed));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
