/**
 * Compares names as people count: disk2 before disk10, /dev/sdz before /dev/sdaa, and a digit before a letter.
 */
export function naturalOrder(a: string, b: string): number {
  const these = partsOf(a);
  const those = partsOf(b);
  for (const [index, part] of these.entries()) {
    const other = those[index];
    if (other === undefined) {
      return 1;
    }
    const order = compareParts(part, other);
    if (order !== 0) {
      return order;
    }
  }
  return these.length - those.length;
}

/** A copy in natural order, each item with its former index. */
export function inNaturalOrder<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
): { readonly item: Item; readonly index: number }[] {
  return items
    .map((item, index) => ({ item, index }))
    .sort((a, b) => naturalOrder(nameOf(a.item), nameOf(b.item)));
}

/** The kernel names disks sda to sdz, and then sdaa; the letters after this prefix are counted. */
const DISK = /^((?:.*\/)?(?:sd|vd|hd|xvd))([a-z]+)(\d*)$/;

/** Numbers, separators and the texts between them: /data/sub comes before /data2. */
function partsOf(name: string): string[] {
  const [, prefix, letters, partition] = DISK.exec(name) ?? [];
  return prefix === undefined || letters === undefined
    ? (name.match(/\d+|[/.]|[^\d/.]+/g) ?? [])
    : [prefix, String(countOf(letters)), partition ?? ''];
}

/** a is 1, z is 26, aa is 27. */
function countOf(letters: string): number {
  return Array.from(letters).reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 96, 0);
}

function compareParts(a: string, b: string): number {
  const areNumbers = /^\d+$/.test(a) && /^\d+$/.test(b);
  const byNumber = areNumbers ? Number(a) - Number(b) : 0;
  return byNumber || (a < b ? -1 : a > b ? 1 : 0);
}
