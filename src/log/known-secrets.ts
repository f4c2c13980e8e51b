import { readCharacter, readThroughEscapes } from './escapes.ts';

/** A shorter text is not a secret, and replacing it would make messages unreadable. */
export const MIN_SECRET_CHARACTERS = 4;

/** Number of leading characters by which patterns are looked up. */
const INDEXED_CHARACTERS = 3;

/** Number of characters of a secret's base64 form that are compared; the rest of the base64 text is replaced too. */
const BASE64_PREFIX_CHARACTERS = 24;
const MIN_BASE64_CHARACTERS = 8;

interface Pattern {
  readonly text: string;
  /** True if the match extends to the end of the base64 text around it. */
  readonly base64: boolean;
}

interface Match {
  readonly end: number;
  readonly base64: boolean;
}

/**
 * Secrets whose exact text is known. They are found in any mixture of the escapes of `escapes.ts`, and inside base64
 * text at any alignment. Cost: the length of the text times a constant (the length of the longest secret, and the
 * number of secrets that share their first characters).
 */
export class KnownSecrets {
  readonly #patterns = new Map<string, Pattern[]>();
  readonly #seen = new Set<string>();

  /** Adds a secret that is also searched for inside base64 text. */
  add(secret: string): void {
    if (secret.length < MIN_SECRET_CHARACTERS || this.#seen.has(secret)) {
      return;
    }
    this.addWhole(secret);
    for (const form of base64Forms(secret)) {
      this.#index({ text: form, base64: true });
    }
  }

  /** Adds a secret that is searched for only as text: one that contains another secret, such as the query of a URL. */
  addWhole(secret: string): void {
    if (secret.length < MIN_SECRET_CHARACTERS || this.#seen.has(secret)) {
      return;
    }
    this.#seen.add(secret);
    for (const text of readings(secret)) {
      this.#index({ text, base64: false });
    }
  }

  /** Overlapping secrets are replaced as one. */
  replace(text: string, replacement: string): string {
    let replaced = '';
    let copied = 0;
    for (const [begin, end] of this.#ranges(text)) {
      replaced += text.slice(copied, begin) + replacement;
      copied = end;
    }
    return copied === 0 ? text : replaced + text.slice(copied);
  }

  #index(pattern: Pattern): void {
    const key = pattern.text.slice(0, INDEXED_CHARACTERS);
    const sharing = this.#patterns.get(key);
    if (sharing === undefined) {
      this.#patterns.set(key, [pattern]);
    } else if (!sharing.some(({ text }) => text === pattern.text)) {
      sharing.push(pattern);
    }
  }

  *#ranges(text: string): Generator<readonly [begin: number, end: number]> {
    if (this.#patterns.size === 0) {
      return;
    }
    let begin = 0;
    let end = 0;
    for (let at = 0; at < text.length; at++) {
      const match = this.#longestAt(text, at);
      if (match === undefined) continue;
      if (at > end) {
        if (end > begin) yield [begin, end];
        begin = at;
      }
      end = Math.max(end, match.end);
      if (match.base64) end = base64End(text, end);
    }
    if (end > begin) yield [begin, end];
  }

  #longestAt(text: string, at: number): Match | undefined {
    const candidates = this.#patterns.get(readAhead(text, at, INDEXED_CHARACTERS));
    let longest: Match | undefined;
    for (const { text: secret, base64 } of candidates ?? []) {
      const end = matchEnd(text, at, secret);
      if (end !== undefined && end > (longest?.end ?? 0)) longest = { end, base64 };
    }
    return longest;
  }
}

function readAhead(text: string, from: number, count: number): string {
  let read = '';
  for (let at = from; at < text.length && read.length < count; ) {
    const { code, end } = readCharacter(text, at);
    read += String.fromCharCode(code);
    at = end;
  }
  return read;
}

function matchEnd(text: string, from: number, secret: string): number | undefined {
  let at = from;
  for (let index = 0; index < secret.length; index++) {
    if (at >= text.length) return undefined;
    const { code, end } = readCharacter(text, at);
    if (code !== secret.charCodeAt(index)) return undefined;
    at = end;
  }
  return at;
}

function base64End(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const { code, end } = readCharacter(text, at);
    if (!/[\w+/=-]/.test(String.fromCharCode(code))) break;
    at = end;
  }
  return at;
}

/** Characters at the end that could become an escape together with the following text. */
const OPEN_ESCAPE = /(?:%[0-9a-f]?|&(?:amp;)*#?[a-z0-9]{0,5}|\\+(?:u[0-9a-f]{0,3})?)$/i;

/** The character sequences that reading a text with the secret in any encoding can give. */
function readings(secret: string): Set<string> {
  const once = readThroughEscapes(secret);
  const forms = [secret, once, readThroughEscapes(once), utf8Units(secret), utf8Units(once)];
  return new Set(
    forms
      .map((form) => {
        const closed = form.replace(OPEN_ESCAPE, '');
        return closed.length < MIN_SECRET_CHARACTERS ? form : closed;
      })
      .filter((form) => form.length >= INDEXED_CHARACTERS),
  );
}

/** Percent encoding encodes UTF-8 bytes, and `readCharacter` returns them one by one. */
function utf8Units(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * The base64 forms of a secret inside a longer text: they depend on the secret's offset modulo 3, and the characters
 * at the edges depend on the neighbouring text, so they are left out.
 */
function base64Forms(secret: string): Set<string> {
  const plain = readThroughEscapes(secret);
  const texts = new Set([
    secret,
    plain,
    secret.replaceAll('/', '\\/'),
    plain.replaceAll('/', '\\/'),
    encodeURIComponent(plain.toWellFormed()),
  ]);
  const forms = new Set<string>();
  for (const text of texts) {
    for (const offset of [0, 1, 2]) {
      const form = base64Inside(text, offset);
      if (form.length >= MIN_BASE64_CHARACTERS) {
        forms.add(form);
        forms.add(form.replaceAll('+', '-').replaceAll('/', '_'));
      }
    }
  }
  return forms;
}

function base64Inside(text: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text, 'utf8')]);
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor((bytes.length * 8) / 6);
  return bytes.toString('base64').slice(first, Math.min(last, first + BASE64_PREFIX_CHARACTERS));
}
