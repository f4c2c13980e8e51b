import { closestName, editDistance } from './closest-name.ts';
import type { IniSection } from './python-ini.ts';

/** The sections of a file that is shared with other tools, with the keys that flashfreeze reads. */
export type KnownNames = Readonly<Record<string, readonly string[]>>;

/**
 * A sentence for each section and key that is probably a misspelt one. Names that resemble none belong to other tools.
 * Names of sections are case-sensitive, keys are not. Pure.
 *
 * @param checked the section whose keys are looked at
 */
export function misspeltNames(
  sections: ReadonlyMap<string, IniSection>,
  known: KnownNames,
  checked: string,
): string[] {
  const names = Object.keys(known);
  return [...sections].flatMap(([name, section]) => {
    if (!names.includes(name)) {
      const meant = resembled(name, names);
      return meant === undefined
        ? []
        : [`there is no section [${name}], so its keys are ignored; did you mean [${meant}]?`];
    }
    return name === checked ? misspeltKeys(name, section, known) : [];
  });
}

function misspeltKeys(name: string, section: IniSection, known: KnownNames): string[] {
  const keys = known[name] ?? [];
  const keyIn = (among: readonly string[], key: string): string | undefined =>
    among.find((it) => it.toLowerCase() === key);
  return [...section.keys()]
    .filter((key) => keyIn(keys, key) === undefined)
    .flatMap((key) => {
      for (const [home, others] of Object.entries(known)) {
        const own = keyIn(others, key);
        if (own !== undefined) {
          return [`${own} in [${name}] is ignored; it belongs in [${home}]`];
        }
      }
      const meant = resembled(key, keys);
      return meant === undefined
        ? []
        : [`there is no key ${key} in [${name}], so it is ignored; did you mean ${meant}?`];
    });
}

/** A mistake in every fourth letter, and one more. */
function resembled(typed: string, names: readonly string[]): string | undefined {
  const closest = closestName(typed, names);
  const distance = editDistance(typed.toLowerCase(), closest.toLowerCase());
  return distance <= 1 + Math.floor(closest.length / 4) ? closest : undefined;
}
