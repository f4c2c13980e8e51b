/**
 * Reads text one character at a time, and decodes the escapes that may be applied to a secret before it gets into a
 * message: percent encoding (any number of times), JSON and shell backslashes (also percent encoded), HTML entities.
 * Every call reads a bounded number of characters, so that reading a text is always linear in its length.
 */

/** One decoded character: its UTF-16 code unit (a byte if it was percent encoded), and where the next one begins. */
export interface Character {
  readonly code: number;
  readonly end: number;
}

const PERCENT_SIGN = 0x25;
const AMPERSAND = 0x26;
const BACKSLASH = 0x5c;

const PERCENT = /%(?:25){0,8}([0-9a-f]{2})/iy;
const BACKSLASHES = /(?:\\|%(?:25){0,8}5c){1,8}/iy;
const UNICODE = /u([0-9a-f]{4})/iy;
const ENTITY = /&(?:amp;){0,8}(?:(lt|gt|quot|apos|amp);|#([0-9]{1,5});|#x([0-9a-f]{1,4});)/iy;

const ENTITY_CODES: ReadonlyMap<string, number> = new Map([
  ['lt', 0x3c],
  ['gt', 0x3e],
  ['quot', 0x22],
  ['apos', 0x27],
  ['amp', AMPERSAND],
]);

const CONTROL_CODES: ReadonlyMap<number, number> = new Map([
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/** The character at `at`, which must be inside the text. */
export function readCharacter(text: string, at: number): Character {
  const code = text.charCodeAt(at);
  switch (code) {
    case PERCENT_SIGN:
    case BACKSLASH:
      return readEscaped(text, at) ?? { code, end: at + 1 };
    case AMPERSAND:
      return readEntity(text, at) ?? { code, end: at + 1 };
    default:
      return { code, end: at + 1 };
  }
}

/** The text with every escape decoded once, as UTF-16 code units. */
export function readThroughEscapes(text: string): string {
  let read = '';
  for (let at = 0; at < text.length; ) {
    const { code, end } = readCharacter(text, at);
    read += String.fromCharCode(code);
    at = end;
  }
  return read;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function readEscaped(text: string, at: number): Character | undefined {
  const run = matchAt(BACKSLASHES, text, at);
  return run === null ? readPercent(text, at) : readAfterBackslashes(text, at + run[0].length);
}

function readAfterBackslashes(text: string, at: number): Character | undefined {
  if (at >= text.length || text.charCodeAt(at) === BACKSLASH) {
    return undefined;
  }
  const unicode = matchAt(UNICODE, text, at);
  if (unicode?.[1] !== undefined) {
    return { code: Number.parseInt(unicode[1], 16), end: at + unicode[0].length };
  }
  const code = text.charCodeAt(at);
  return readPercent(text, at) ?? { code: CONTROL_CODES.get(code) ?? code, end: at + 1 };
}

function readPercent(text: string, at: number): Character | undefined {
  const match = matchAt(PERCENT, text, at);
  return match?.[1] === undefined
    ? undefined
    : { code: Number.parseInt(match[1], 16), end: at + match[0].length };
}

function readEntity(text: string, at: number): Character | undefined {
  const match = matchAt(ENTITY, text, at);
  if (match === null) {
    return undefined;
  }
  const [whole, name, decimal, hex] = match;
  const code =
    name !== undefined
      ? ENTITY_CODES.get(name.toLowerCase())
      : Number.parseInt(decimal ?? hex ?? '', decimal === undefined ? 16 : 10);
  return code === undefined ? undefined : { code, end: at + whole.length };
}
