/** The oldest C library that the payload runs with: that of RHEL 8 and Debian 10. Node.js needs it too. */
export const OLDEST_GLIBC = '2.28';

/**
 * The distributions with an older C library. `flashfreeze.sh` names them too: `install` runs it on machines on which nothing else runs.
 */
export const TOO_OLD_DISTRIBUTIONS =
  'RHEL, CentOS and Oracle Linux 7, SLES 12, Ubuntu 18.04, Debian 9 and older';

/** A version of a library that a program needs. */
export interface NeededVersion {
  /** `GLIBC`, `GLIBCXX`, `GCC`, … */
  readonly library: string;
  /** `2.28` */
  readonly version: string;
}

/** A symbol that a program takes from a library, as `readelf --dyn-syms -W` shows it. */
export interface NeededSymbol extends NeededVersion {
  readonly name: string;
}

/** The versions of libraries that a program needs, from `objdump -p`: `    0x06969188 0x00 14 GLIBC_2.28`. */
export function neededVersions(objdump: string): NeededVersion[] {
  const lines = objdump.matchAll(/^\s+0x\w+ 0x\w+ \d+ ([A-Z]+)_([\d.]+)$/gm);
  return [...lines].map(([, library = '', version = '']) => ({ library, version }));
}

/** The undefined symbols that need a version of their library. */
export function neededSymbols(readelf: string): NeededSymbol[] {
  return readelf.split('\n').flatMap((line) => {
    const [, name = '', library = '', version = ''] =
      /\sUND\s+(\w+)@([A-Z]+)_([\d.]+)(?:\s|$)/.exec(line) ?? [];
    return name === '' ? [] : [{ name, library, version }];
  });
}

/** Names the shared libraries of a program, from `readelf --dynamic -W`. */
export function neededLibraries(readelf: string): string[] {
  return [...readelf.matchAll(/\(NEEDED\)\s.*\[(.+)\]/g)].flatMap(([, name]) => name ?? []);
}

/** What the oldest C library does not have. */
export function tooNew<Needed extends NeededVersion>(needed: readonly Needed[]): Needed[] {
  return needed.filter(
    ({ library, version }) => library === 'GLIBC' && compareVersions(version, OLDEST_GLIBC) > 0,
  );
}

/** Negative if the first is older. `2.4` is older than `2.28`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const length = Math.max(left?.length ?? 0, right?.length ?? 0);
  for (let index = 0; index < length; index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}
