import { FlashfreezeError } from '../errors.ts';

/** A JSON object: neither null nor an array. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A reviver that also gets the source text of a number; TypeScript's library types do not have it yet. */
export type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/**
 * Reads JSON text, and NaN and Infinity outside of strings, which Python writes and reads: NaN counts as null.
 *
 * @throws SyntaxError; RangeError if the text is nested too deeply for the stack
 */
export function parseWith(text: string, reviver: Reviver): unknown {
  const json = text.replace(/^\ufeff/, '');
  const parse = (it: string): unknown =>
    JSON.parse(it, reviver as (key: string, value: unknown) => unknown);
  try {
    return parse(json);
  } catch (error) {
    const replaced = withoutPythonNumbers(json);
    if (replaced === json) {
      throw error;
    }
    return parse(replaced);
  }
}

/** A number too large for a double reads as infinite. */
const PYTHON_NUMBERS: Readonly<Record<string, string>> = { NaN: 'null', Infinity: '1e999' };

function withoutPythonNumbers(text: string): string {
  return text.replace(
    /"[^"\\]*(?:\\.[^"\\]*)*"|NaN|Infinity/gs,
    (token) => PYTHON_NUMBERS[token] ?? token,
  );
}

/** A whole number that a double cannot hold, such as .NET ticks, is kept as a bigint. */
const keepWholeNumbers: Reviver = (_key, value, { source = '' }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value;

/**
 * Reads JSON text. Whole numbers too large for a double become bigints.
 *
 * @param label the name of the text in the error message. The message does not quote the text, which may be secret;
 * the engine's own message does
 * @throws FlashfreezeError FF_SETTINGS_INVALID
 */
export function parseJson(text: string, label: string): unknown {
  try {
    return parseWith(text, keepWholeNumbers);
  } catch {
    throw new FlashfreezeError(
      'FF_SETTINGS_INVALID',
      `${label} is not valid JSON (${text.length} characters).`,
    );
  }
}

/**
 * A member by its name; if there is none of that name, one whose name differs in case only. Undefined if there is
 * neither, or if `value` is not an object.
 */
export function member(value: unknown, name: string): unknown {
  if (!isJsonObject(value)) {
    return undefined;
  }
  if (Object.hasOwn(value, name)) {
    return value[name];
  }
  const wanted = name.toLowerCase();
  const found = Object.keys(value).find((key) => key.toLowerCase() === wanted);
  return found === undefined ? undefined : value[found];
}

/** Whether a setting is not given: it is missing, null or blank text. */
export function isBlank(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
  );
}

/** Undefined if the text is not a JSON object; a byte-order mark before it is ignored. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A whole number, given as a number or as text; undefined for anything else. */
export function wholeNumberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

/** `true`, or `"true"` in any case: the service sends both. */
export function isTrue(value: unknown): boolean {
  return value === true || textOf(value)?.toLowerCase() === 'true';
}

export function booleanOf(value: unknown): boolean | undefined {
  return isTrue(value)
    ? true
    : value === false || textOf(value)?.toLowerCase() === 'false'
      ? false
      : undefined;
}
