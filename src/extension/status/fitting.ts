/** Marks the end of a text that was cut. */
export const CUT_MARK = ' [...]';

/** The first `length` code units and a mark, or the whole text if it is not longer. Splits no surrogate pair. */
export function cutTo(text: string, length: number): string {
  if (text.length <= length) {
    return text;
  }
  const splitsPair = isHighSurrogate(text.charCodeAt(length - 1));
  return text.slice(0, splitsPair ? length - 1 : length) + CUT_MARK;
}

/**
 * The text, or the longest beginning of it with a mark that fits; undefined if not even the mark
 * does.
 *
 * @param fits if it holds for a text, it must hold for every shorter one
 */
export function longestFitting(
  text: string,
  fits: (candidate: string) => boolean,
): string | undefined {
  if (fits(text)) {
    return text;
  }
  let fitting = -1;
  let over = text.length;
  while (over - fitting > 1) {
    const middle = Math.floor((fitting + over) / 2);
    if (fits(cutTo(text, middle))) {
      fitting = middle;
    } else {
      over = middle;
    }
  }
  return fitting < 0 ? undefined : cutTo(text, fitting);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
