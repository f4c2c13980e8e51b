/**
 * Splits the arguments of a command line into words as a shell does, but without a shell: quotation marks and
 * backslashes group, nothing is expanded.
 *
 * @returns undefined if a quotation mark is not closed
 */
export function splitArguments(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let rest = text;
  while (rest !== '') {
    const [piece = '', single, double, escaped, blank, plain] = PIECE.exec(rest) ?? [];
    if (piece === '') {
      return undefined;
    }
    rest = rest.slice(piece.length);
    if (blank === undefined) {
      const unquoted = double?.replace(/\\(["\\$`])/g, '$1');
      word = (word ?? '') + (single ?? unquoted ?? escaped ?? plain ?? '');
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return word === undefined ? words : [...words, word];
}

/**
 * The path and the arguments of a command.
 *
 * @returns undefined if the path is not absolute, or a quotation mark is not closed
 */
export function commandWords(text: string): readonly string[] | undefined {
  const words = splitArguments(text);
  return words?.[0]?.startsWith('/') === true ? words : undefined;
}

/** A command line for messages, e.g. one that was given in the place of a path: its arguments may be secret. */
export function withoutArguments(line: string): string {
  const [program = '', ...others] = line.split(/\s+/);
  return others.length === 0 ? program : `${program} …`;
}

/** Blanks as a shell knows them: a no-break space is a letter, also one of a password. */
const PIECE = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([ \t-\r]+)|([^ \t-\r'"\\]+))/s;
