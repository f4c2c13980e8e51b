/** Control characters, and those that break lines or change the direction of the text after them. */
const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Mount points, arguments and texts of servers may hold control characters, which must not reach a terminal. */
export function printable(text: string): string {
  return text.replace(ACTING, escaped);
}

/**
 * JSON for standard output, indented. What would act on a terminal is escaped as JSON has it, so that a reader gets the
 * value as it is; JSON.stringify itself escapes the characters below U+0020 only.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(ACTING, (character) =>
    // The line feeds of the indentation: those in texts are escaped already.
    character === '\n' ? character : unicodeEscape(character),
  );
}

/** All texts in a value made printable, so that no field of what is drawn for people is forgotten. */
export function printableTexts<T>(value: T): T {
  return withPrintableTexts(value) as T;
}

function withPrintableTexts(value: unknown): unknown {
  if (typeof value === 'string') {
    return printable(value);
  }
  if (Array.isArray(value)) {
    return value.map(withPrintableTexts);
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, it]) => [key, withPrintableTexts(it)]))
    : value;
}

/** Keeps the line feeds before an indented line, for an error message with a list. */
export function printableMessage(text: string): string {
  return text
    .split(/\n(?= {2}\S)/)
    .map(printable)
    .join('\n');
}

/** Keeps line feeds and tabs, for text of several lines. */
export function printableLines(text: string): string {
  return text
    .split(/([\t\n])/)
    .map((part, index) => (index % 2 === 0 ? printable(part) : part))
    .join('');
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16);
  return code.length > 2 ? unicodeEscape(character) : `\\x${code.padStart(2, '0')}`;
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
