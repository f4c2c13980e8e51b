/**
 * The parts that settings are made of. Senders differ in whether they write a number or a flag as
 * such or as text, so values are converted to their type first and then checked. Every message is our
 * own: the messages of the library quote the value, which may be secret.
 */
import * as v from 'valibot';
import { SNAPSHOT_METHODS } from '../../config/vmbackup.ts';
import { FlashfreezeError } from '../../errors.ts';
import { isBlank, isJsonObject, member } from '../../system/json.ts';

/** The two parts of the settings, and what a list of LUNs is, in messages. */
export const PUBLIC = 'the settings';
export const PROTECTED = 'protectedSettings';
export const LUNS = 'an array of LUNs';

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
  throw new FlashfreezeError('FF_SETTINGS_INVALID', `${expectation(result.issues[0], '', label)}.`);
}

/** Receives a sentence for each part that is passed over; it never quotes a value. */
export type Warn = (sentence: string) => void;

/**
 * Reads an object; a member of the wrong form counts as not given, with a warning: a mistake in one field costs that
 * field, not the backup.
 *
 * @param required the members for which that does not hold, because nothing can stand in for them
 * @throws FlashfreezeError FF_SETTINGS_INVALID if the value is no object, or a required member has the wrong form
 */
export function readFields<const Entries extends v.ObjectEntries>(
  entries: Entries,
  required: readonly (keyof Entries)[],
  value: unknown,
  label: string,
  warn: Warn,
) {
  const kept = isJsonObject(value)
    ? Object.fromEntries(
        Object.entries(entries).map(([name, schema]) => {
          const given = member(value, name);
          return [
            name,
            required.includes(name) || fits(schema, given, name, label, warn) ? given : undefined,
          ];
        }),
      )
    : value;
  return readBy(object(entries), kept, label);
}

/** The items that fit, with a warning for each other one; what is no array is returned as it is. */
export function fittingItems(
  schema: v.GenericSchema,
  value: unknown,
  name: string,
  label: string,
  warn: Warn,
): unknown {
  return Array.isArray(value)
    ? value.filter((item, index) => fits(schema, item, `${name}[${index}]`, label, warn))
    : value;
}

function fits(
  schema: v.GenericSchema,
  value: unknown,
  name: string,
  label: string,
  warn: Warn,
): boolean {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (!result.success) {
    warn(`${expectation(result.issues[0], name, label)}; it is ignored`);
  }
  return result.success;
}

/** @param name of the member that was read; empty if the whole was */
function expectation(issue: v.BaseIssue<unknown>, name: string, label: string): string {
  const inside = (v.getDotPath(issue) ?? '').replace(/\.(\d+)(?=\.|$)/g, '[$1]');
  const path = [name, inside].filter((part) => part !== '').join('.');
  return `${path === '' ? label : `${path} of ${label}`} must be ${issue.message}`;
}
