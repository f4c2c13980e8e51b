import { closestName } from './closest-name.ts';
import { firstWordOf, type IniSection, unquoted } from './python-ini.ts';

/** The settings that a value of a key gives; undefined if the value makes no sense. */
type Reader<Settings> = (value: string) => Partial<Settings> | undefined;

/** A key of an INI file. */
export interface ConfigurationKey<Settings> {
  readonly name: string;
  /** The valid values, for messages. */
  readonly expected: string;
  readonly read: Reader<Settings>;
  /** A wrong value is not repeated: it may be a URL with its signature, or a command with a password. */
  readonly mayHoldSecret?: boolean;
  /** A sentence if a valid value is not used as it stands. */
  readonly remark?: (value: string) => string | undefined;
}

export function seconds<Settings>(
  name: string,
  most: number,
  set: (ms: number) => Partial<Settings>,
): ConfigurationKey<Settings> {
  const read: Reader<Settings> = (value) => {
    const number = Number(value);
    return number > 0 && number <= most ? set(Math.round(number * 1000)) : undefined;
  };
  return { name, expected: `a number of seconds above 0 and at most ${most}`, read };
}

/** Like `seconds`, but a number that is too large is cut to `most`, with a remark. */
export function cappedSeconds<Settings>(
  name: string,
  most: number,
  set: (ms: number) => Partial<Settings>,
): ConfigurationKey<Settings> {
  return {
    ...seconds<Settings>(name, Number.POSITIVE_INFINITY, (ms) => set(Math.min(ms, most * 1_000))),
    expected: 'a number of seconds above 0',
    remark: (value) =>
      Number(value) > most ? `${name} is more than ${most}, which is used instead` : undefined,
  };
}

export function choice<const Choice extends string, Settings>(
  name: string,
  choices: readonly Choice[],
  set: (choice: Choice) => Partial<Settings>,
): ConfigurationKey<Settings> {
  const read: Reader<Settings> = (value) => {
    const found = choices.find((each) => each.toLowerCase() === value.toLowerCase());
    return found === undefined ? undefined : set(found);
  };
  return { name, expected: choices.join(', '), read };
}

/** The words of Python's ConfigParser.getboolean. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...{ '1': true, yes: true, true: true, on: true },
  ...{ '0': false, no: false, false: false, off: false },
};

/** Whether a value is one of the words of `flag` for false. */
export function isFalse(value: string): boolean {
  return booleanOf(value) === false;
}

function booleanOf(value: string): boolean | undefined {
  const word = value.toLowerCase();
  return Object.hasOwn(BOOLEANS, word) ? BOOLEANS[word] : undefined;
}

export function flag<Settings>(
  name: string,
  set: (value: boolean) => Partial<Settings>,
): ConfigurationKey<Settings> {
  const read: Reader<Settings> = (value) => {
    const found = booleanOf(value);
    return found === undefined ? undefined : set(found);
  };
  return { name, expected: 'True or False', read };
}

/** Items between commas; quotation marks around an item are dropped. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map((item) => unquoted(item.trim()))
    .filter((item) => item !== '');
}

/** What a section sets, and what is wrong with it. */
export interface ReadKeys<Settings> {
  readonly settings: Partial<Settings>;
  /** Sentences that name the file. */
  readonly mistakes: readonly string[];
}

/**
 * Reads a section in which every key has to be one of `keys`.
 *
 * @param place of the section, for messages
 */
export function readKeys<Settings>(
  section: IniSection,
  keys: readonly ConfigurationKey<Settings>[],
  place: { readonly path: string; readonly section: string },
): ReadKeys<Settings> {
  const { path } = place;
  let settings: Partial<Settings> = {};
  const mistakes: string[] = [];
  for (const [name, value] of section) {
    const key = keys.find((candidate) => candidate.name.toLowerCase() === name);
    const set = key?.read(value);
    if (key === undefined) {
      const names = keys.map((candidate) => candidate.name);
      mistakes.push(
        `${path}: there is no key ${firstWordOf(name)} in [${place.section}]; did you mean ${closestName(name, names)}? The keys are ${names.join(', ')}.`,
      );
    } else if (set === undefined) {
      mistakes.push(
        key.mayHoldSecret === true
          ? `${path}: the value of ${key.name} in [${place.section}] is wrong; expected ${key.expected}.`
          : `${path}: ${key.name} = ${value} in [${place.section}]; expected ${key.expected}.`,
      );
    }
    settings = { ...settings, ...set };
  }
  return { settings, mistakes };
}
