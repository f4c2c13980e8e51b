/**
 * The parts that settings are made of. Senders differ in whether they write a number or a flag as
 * such or as text, so values are converted to their type first and then checked. Every message is our
 * own: the messages of the library quote the value, which may be secret.
 */
import * as v from 'valibot';
import { SNAPSHOT_METHODS } from '../../config/vmbackup.ts';
import { FlashfreezeError } from '../../errors.ts';
import { isBlank, isJsonObject, member } from '../../system/json.ts';

/** An object with the members of `entries`, whose names may differ in case; others are ignored. */
export function object<const Entries extends v.ObjectEntries>(entries: Entries) {
  const names = Object.keys(entries);
  return v.pipe(
    v.custom<object>(isJsonObject, 'an object'),
    v.transform((value) => Object.fromEntries(names.map((name) => [name, member(value, name)]))),
    v.object(entries, 'an object'),
  );
}

/** Undefined if the value is null, missing or blank text. */
export function given<const Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (isBlank(value) ? undefined : value)),
    v.optional(schema),
  );
}

/** An object without members if nothing is given. */
export function orEmpty<const Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (isBlank(value) ? {} : value)),
    schema,
  );
}

/** An array, or nothing; null counts as nothing. */
export function list<const Schema extends v.GenericSchema>(schema: Schema, expected: string) {
  return given(v.array(schema, expected));
}

/** Text without white space around it; a number becomes its digits if they are exact. */
export const text = v.pipe(
  v.unknown(),
  v.transform((value) => (isExactNumber(value) ? String(value) : value)),
  v.string('text'),
  v.trim(),
);

/** The value of a Key/Value pair: text as it is, anything else that is one word. */
export const pairValue = v.pipe(
  v.unknown(),
  v.transform((value) => {
    const isWord = isExactNumber(value) || typeof value === 'boolean';
    return isWord ? String(value) : (value ?? '');
  }),
  v.string('text'),
);

export const pair = object({
  Key: v.pipe(text, v.nonEmpty('text that is not empty')),
  Value: pairValue,
});

/** False if nothing is given. */
export const flag = v.pipe(v.unknown(), v.transform(readFlag), v.boolean('true or false'));

export function wholeNumber(least: number) {
  const expected = `a whole number from ${least}`;
  return v.pipe(
    v.unknown(),
    v.transform(readWholeNumber),
    v.number(expected),
    v.safeInteger(expected),
    v.minValue(least, expected),
  );
}

/** −1 is the OS disk. */
export const lun = wholeNumber(-1);

export const snapshotMethod = v.pipe(
  text,
  v.transform((value) =>
    SNAPSHOT_METHODS.find((method) => method.toLowerCase() === value.toLowerCase()),
  ),
  v.picklist(SNAPSHOT_METHODS, `one of ${SNAPSHOT_METHODS.join(', ')}`),
);

function isExactNumber(value: unknown): boolean {
  return (
    typeof value === 'bigint' ||
    (typeof value === 'number' && (Number.isSafeInteger(value) || !Number.isInteger(value)))
  );
}

const FLAG_WORDS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
  [1, true],
  [0, false],
]);

function readFlag(value: unknown): unknown {
  if (isBlank(value)) {
    return false;
  }
  return FLAG_WORDS.get(typeof value === 'string' ? value.trim().toLowerCase() : value) ?? value;
}

function readWholeNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\s*[-+]?\d+\s*$/.test(value) ? Number(value) : value;
}

/**
 * Reads settings by a schema.
 *
 * @param label where the settings are, for the message: it names the field and what is expected
 * @throws FlashfreezeError FF_SETTINGS_INVALID
 */
export function readBy<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  label: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) {
    return result.output;
  }
  const [issue] = result.issues;
  const path = (v.getDotPath(issue) ?? '').replace(/\.(\d+)(?=\.|$)/g, '[$1]');
  throw new FlashfreezeError(
    'FF_SETTINGS_INVALID',
    `${path === '' ? label : `${path} of ${label}`} must be ${issue.message}.`,
  );
}
