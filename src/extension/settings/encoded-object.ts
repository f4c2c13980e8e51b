import { FlashfreezeError } from '../../errors.ts';
import { isJsonObject, parseJson } from '../../system/json.ts';
import type { Warn } from './schema.ts';

/**
 * Reads an `objectStr`: base64 of UTF-8 JSON, which white space and single quotes may surround
 * (settings.md, Extension resource). Quotation marks and NUL around the base64 are dropped; characters inside that are not
 * base64, and what follows its padding, are passed over with a warning. Undefined if nothing is inside.
 *
 * @param label names the text in messages, which never quote it
 * @throws FlashfreezeError FF_SETTINGS_INVALID
 */
export function readEncodedObject(base64: string, label: string, warn: Warn): unknown {
  const wrapped = unwrap(base64, /[\s'"\0]/);
  try {
    return objectIn(decodeBase64(wrapped, label), label);
  } catch (error) {
    const read = objectAmongOthers(wrapped, label);
    if (!read.ok) {
      throw error;
    }
    warn(`${label} has characters that are not base64; they are ignored`);
    return read.value;
  }
}

function objectIn(bytes: Uint8Array, label: string): unknown {
  const text = unwrap(utf8Of(bytes, label), /[\s'\0]/);
  return text === '' ? undefined : parseJson(text, `${label}, decoded from base64,`);
}

/** What is left without all that is not base64, if that is an object: then nothing is missing. */
function objectAmongOthers(
  text: string,
  label: string,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  const [digits = ''] = text.replace(/[^A-Za-z\d+/=]/g, '').split('=', 1);
  try {
    const value = objectIn(decodeBase64(digits, label), label);
    return isJsonObject(value) ? { ok: true, value } : { ok: false };
  } catch {
    return { ok: false };
  }
}

/**
 * Decodes base64, of either alphabet, with line breaks and with or without padding.
 *
 * @throws FlashfreezeError FF_SETTINGS_INVALID
 */
export function decodeBase64(text: string, label: string): Buffer {
  const digits = text.replace(/\s+/g, '');
  const { length } = digits.replace(/={1,2}$/, '');
  // Node's decoder skips unknown characters, so a damaged text would look complete.
  if (!/^[\w+/-]*={0,2}$/.test(digits) || length % 4 === 1) {
    throw invalid(`${label} is not base64 text (${text.length} characters).`);
  }
  return Buffer.from(digits, 'base64');
}

/** @throws FlashfreezeError FF_SETTINGS_INVALID */
export function utf8Of(bytes: Uint8Array, label: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(`${label} is not UTF-8 text (${bytes.length} bytes).`);
  }
}

/** Byte order marks count as white space. Not one pattern: that would take quadratic time for runs inside. */
function unwrap(text: string, wrapping: RegExp): string {
  const isWrapping = (index: number): boolean => wrapping.test(text.charAt(index));
  let begin = 0;
  let end = text.length;
  while (begin < end && isWrapping(begin)) begin++;
  while (end > begin && isWrapping(end - 1)) end--;
  return text.slice(begin, end);
}

function invalid(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_SETTINGS_INVALID', message);
}
