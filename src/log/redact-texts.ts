import { type Redaction, redact } from './redaction.ts';

/** Members of what is kept or printed of a run whose values are sentences for people, or lists of them. */
const FREE_TEXTS: ReadonlySet<string> = new Set(['message', 'error', 'problems', 'warnings']);

/**
 * What is kept or printed of a run, without secrets. To be called before it becomes JSON or text.
 *
 * A known secret, which may be a password such as `disk` or `2026`, is replaced in sentences only: in a key, a number, a
 * time, a URI or the path of a device it is the name of something else, and without that name the result is of no use.
 * Whatever looks like a secret, such as the signature of a URI, is replaced in every text.
 */
export function redactTexts<T>(value: T, redaction: Redaction): T {
  return withoutSecrets(value, false, redaction) as T;
}

function withoutSecrets(value: unknown, isSentence: boolean, redaction: Redaction): unknown {
  if (typeof value === 'string') {
    return isSentence ? redaction.redact(value) : redact(value);
  }
  if (Array.isArray(value)) {
    return value.map((it) => withoutSecrets(it, isSentence, redaction));
  }
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(
        Object.entries(value).map(([key, it]) => [
          key,
          withoutSecrets(it, FREE_TEXTS.has(key), redaction),
        ]),
      )
    : value;
}
