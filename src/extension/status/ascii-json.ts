/** Everything that is not printable ASCII. */
const NOT_ASCII = /[\u007f-\uffff]/g;

/**
 * JSON of ASCII characters only, so that characters and bytes count the same and no reader's locale
 * matters. Half a surrogate pair becomes U+FFFD: readers in Python or .NET fail on one.
 */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value, wellFormed).replace(
    NOT_ASCII,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}
