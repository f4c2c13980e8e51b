import { FlashfreezeError } from '../../errors.ts';
import { parseJson } from '../../system/json.ts';

/**
 * Reads an `objectStr`: base64 of UTF-8 JSON, which white space and single quotes may surround
 * (settings.md, Extension resource). Quotation marks and NUL around the base64 are dropped. Undefined if nothing is inside.
 *
 * @param label names the text in messages, which never quote it
 * @throws FlashfreezeError FF_SETTINGS_INVALID
 */
export function readEncodedObject(base64: string, label: string): unknown {
  const text = unwrap(utf8Of(decodeBase64(unwrap(base64, /[\s'"\0]/), label), label), /[\s']/);
  return text === '' ? undefined : parseJson(text, `${label}, decoded from base64,`);
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
