import { readCharacter } from './escapes.ts';
import { KnownSecrets } from './known-secrets.ts';

/** Replaces a secret. It holds no delimiters, so that a second redaction changes nothing more. */
export const REDACTED = 'REDACTED';

/**
 * How the value after a key is delimited.
 * - `field`: quoted, an object or array, or a word (`sig=…&`, `"protectedSettings": "…"`)
 * - `connection`: delimited like `field`, but an ampersand belongs to the word (`SharedAccessSignature=sv=…&sig=…`)
 * - `line`: quoted, or the rest of the line (`Authorization: …`, `credString = …`)
 * - `userinfo`: up to the at sign of a URL
 * - `pem`: up to the end of the block
 */
type ValueKind = 'field' | 'connection' | 'line' | 'userinfo' | 'pem';

const EQUALS = '=|%(?:25){0,8}3D|\\\\{1,8}u003D|&(?:amp;){0,8}#(?:61|x3D);';
const COLON = ':|%(?:25){0,8}3A';
const BLANK = '(?:[ \\t\\r\\n]|\\\\{1,8}[nrt]|%(?:25){0,8}20){0,64}';
const QUOTE = '(?:\\\\{0,8}["\']|&(?:amp;){0,8}quot;|%(?:25){0,8}22)';
/** Between a key and its value: `=`, `": "`, `' => '`, or the next member of a Key/Value pair. */
const SEPARATOR = `(?:${QUOTE}?${BLANK}(?:=>|${EQUALS}|${COLON})|${QUOTE}${BLANK},${BLANK}${QUOTE}Value${QUOTE}${BLANK}:)${BLANK}`;

const FIELDS = [
  'sig',
  'snapshotTaskToken',
  'protectedSettings',
  'DiskEncryptionSettings',
  'AccountKey',
  'SharedAccessKey',
  'password',
  'passwd',
  'MYSQL_PWD',
  'client_secret',
  'access_token',
  'refresh_token',
].join('|');

/**
 * Every part is bounded, and the value, which is not part of the pattern, may be followed by anything: so the search
 * never backtracks over more than a constant number of characters.
 */
const KEY = new RegExp(
  [
    `(?<connection>SharedAccessSignature${SEPARATOR})`,
    `(?<line>(?:Authorization|credString)${SEPARATOR})`,
    `(?<field>(?:${FIELDS})${SEPARATOR}` +
      '|--password[ \\t]{1,8}' +
      '|;[ \\t]?Pwd=' +
      '|(?<![\\w-])-u[ \\t]?\\S{1,128}[ \\t]{1,8}-p(?=\\S)' +
      '|Bearer(?:[ \\t+]|%20){1,4}(?![a-z]{1,24}(?![\\w.~+/=%-]))(?=[\\w.~+/=-]{8})' +
      '|SharedKey(?:Lite)?[ \\t]{1,4}\\w{1,64}:' +
      // A JSON Web Token, whatever stands before it.
      '|(?<![\\w-])eyJ(?=[\\w-]{8,1024}\\.eyJ))',
    // A password, or a name that is as long as a token.
    '(?<userinfo>:(?:\\\\{0,8}/){2}(?:[^\\s/:@"\']{0,128}:(?=[^\\s/@"\']{1,256}@)|(?=[^\\s/:@"\']{12,256}@)))',
    '(?<pem>-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----)',
  ].join('|'),
  'gi',
);

/** Words that mean "there is none", which is useful to know and not a secret. */
const NOTHING = /(?:null|none|undefined)(?![\w.~+/=%-])/iy;

/**
 * Replaces text that looks like a secret: SAS signatures, account keys, bearer tokens, task tokens, protected and disk
 * encryption settings, passwords; also if percent encoded, or inside JSON or HTML. If the end of a value is uncertain,
 * more text is replaced rather than less. Linear in the length of the text.
 */
export function redact(text: string): string {
  let redacted = '';
  let copied = 0;
  KEY.lastIndex = 0;
  for (let match = KEY.exec(text); match !== null; match = KEY.exec(text)) {
    const at = match.index + match[0].length;
    if (isSentence(text, at, match[0])) {
      continue;
    }
    const [begin, end] = valueAt(text, at, kindOf(match), match[0]);
    if (end > begin) {
      redacted += text.slice(copied, begin) + REDACTED;
      copied = end;
      KEY.lastIndex = end;
    }
  }
  return copied === 0 ? text : redacted + text.slice(copied);
}

/**
 * Redaction that also knows this task's secrets and replaces them wherever they appear, in any of the usual encodings
 * and regardless of the surrounding text. All text that leaves the process passes through it, but for the result of a run: see
 * `redactTexts`.
 */
export class Redaction {
  readonly #known = new KnownSecrets();

  /** @param secret a signature, token, key or password; ignored if it is too short to be one */
  add(secret: string): void {
    this.#known.add(secret);
  }

  /** @param url its query and the SAS signatures in it are the secrets */
  addUrl(url: string): void {
    const [address = ''] = url.split('#', 1);
    const query = address.slice(address.indexOf('?') + 1 || address.length);
    this.#known.addWhole(query);
    for (const [, signature = ''] of query.matchAll(/(?:^|&)sig=([^&]*)/gi)) {
      this.#known.add(signature);
    }
  }

  /** Known secrets are replaced first: a pattern could replace half of a secret and leave the rest. */
  redact(text: string): string {
    return redact(this.#known.replace(text, REDACTED));
  }
}

/** Keys whose values are long random texts or JSON, never a word; a password may be one. */
const RANDOM_VALUES =
  /^(?:sig|snapshotTaskToken|protectedSettings|DiskEncryptionSettings|AccountKey|SharedAccessKey|SharedAccessSignature|access_token|refresh_token|Authorization)\b/i;
const AFTER_BLANK = /[ \t]$/;
/** A word in parentheses, or three words, with the punctuation of a sentence. */
const SENTENCE =
  /\([A-Za-z]{2,16}\)|[A-Za-z][a-z]{0,15}[,;]?(?: [a-z]{1,16}[,;.:]?){2}(?![\w/+=%-])/y;

/** Whether a message goes on after the name of such a key: "no sig: ask for a new one" holds no signature. */
function isSentence(text: string, at: number, key: string): boolean {
  SENTENCE.lastIndex = at;
  return RANDOM_VALUES.test(key) && AFTER_BLANK.test(key) && SENTENCE.test(text);
}

function kindOf(match: RegExpExecArray): ValueKind {
  const { connection, line, userinfo, pem } = match.groups ?? {};
  if (connection !== undefined) return 'connection';
  if (line !== undefined) return 'line';
  if (userinfo !== undefined) return 'userinfo';
  return pem === undefined ? 'field' : 'pem';
}

/** Begin and end of the secret part of a value. */
function valueAt(text: string, at: number, kind: ValueKind, key: string): [number, number] {
  switch (kind) {
    case 'pem':
      return [at, indexOrEnd(text, '-----END', at)];
    case 'userinfo':
      return [at, indexOrEnd(text, '@', at)];
    default:
      return quotedAt(text, at) ?? bracketedAt(text, at) ?? wordAt(text, at, kind, key);
  }
}

function indexOrEnd(text: string, what: string, at: number): number {
  const index = text.indexOf(what, at);
  return index < 0 ? text.length : index;
}

const OPENING_QUOTE = /(\\{0,8})(["'])|(&(?:amp;){0,8}quot;|%(?:25){0,8}22)/iy;

/** A quoted value, at any depth of JSON inside JSON: it ends at a quote that is no deeper than the first one. */
function quotedAt(text: string, at: number): [number, number] | undefined {
  OPENING_QUOTE.lastIndex = at;
  const opening = OPENING_QUOTE.exec(text);
  if (opening === null) {
    return undefined;
  }
  const [whole, escapes = '', quote, encodedQuote] = opening;
  const begin = at + whole.length;
  return [
    begin,
    quote === undefined
      ? indexOrEnd(text, encodedQuote ?? '', begin)
      : closingQuote(text, begin, quote, escapes.length),
  ];
}

function closingQuote(text: string, begin: number, quote: string, depth: number): number {
  for (let at = text.indexOf(quote, begin); at >= 0; at = text.indexOf(quote, at + 1)) {
    const escapes = backslashesBefore(text, at, begin);
    if (escapes <= depth) {
      return at - escapes;
    }
  }
  return text.length;
}

function backslashesBefore(text: string, at: number, begin: number): number {
  let first = at;
  while (first > begin && text[first - 1] === '\\') {
    first--;
  }
  return at - first;
}

const DEPTH_CHANGES: ReadonlyMap<string | undefined, number> = new Map([
  ['{', 1],
  ['[', 1],
  ['}', -1],
  [']', -1],
]);

/** An object or array; brackets inside its strings do not count. */
function bracketedAt(text: string, at: number): [number, number] | undefined {
  if (DEPTH_CHANGES.get(text[at]) !== 1) {
    return undefined;
  }
  let depth = 0;
  for (let end = at; end < text.length; end = afterString(text, end)) {
    depth += DEPTH_CHANGES.get(text[end]) ?? 0;
    if (depth === 0) return [at, end + 1];
  }
  return [at, text.length];
}

/** The position after the quoted string, run of backslashes or single character at `at`. */
function afterString(text: string, at: number): number {
  let end = quotedAt(text, at)?.[1] ?? at;
  while (text[end] === '\\') {
    end++;
  }
  return end + 1;
}

const WORD_ENDS = new Set(Array.from(' \t\r\n\v\f"\'<>,;)]}&', (end) => end.charCodeAt(0)));
const LINE_ENDS = new Set(Array.from('\r\n"', (end) => end.charCodeAt(0)));
const AMPERSAND = '&'.charCodeAt(0);

/**
 * A value without quotes. A percent encoded delimiter ends it only if the separator was encoded too; otherwise the
 * delimiter belongs to the secret.
 */
function wordAt(text: string, at: number, kind: ValueKind, key: string): [number, number] {
  const begin = afterBlanks(text, at);
  NOTHING.lastIndex = begin;
  if (NOTHING.test(text)) {
    return [begin, begin];
  }
  const ends = kind === 'line' ? LINE_ENDS : WORD_ENDS;
  const encoded = /%(?:25)*3[AD]/i.test(key);
  let end = begin;
  while (end < text.length) {
    const character = readCharacter(text, end);
    const counts = encoded || text[end] !== '%';
    const joins = kind === 'connection' && character.code === AMPERSAND;
    if (counts && !joins && ends.has(character.code)) break;
    end = character.end;
  }
  return [begin, end];
}

function afterBlanks(text: string, at: number): number {
  let begin = at;
  while (text[begin] === ' ' || text[begin] === '\t') {
    begin++;
  }
  return begin;
}
