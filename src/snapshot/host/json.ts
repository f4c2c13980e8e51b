export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined where the text is not JSON of an object; a byte-order mark before it is no part of it. */
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

/** A number, or a number as text. */
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
