import { normalize } from 'node:path/posix';

/** What a pattern of MountsToSkip, --skip or --mount is compared with: one mounted file system. */
export interface Patterned {
  readonly type: string;
  /** Every mount point of it. */
  readonly mountPoints: readonly string[];
  /** Names of the disks under it, e.g. `sdb`; only asked for if the pattern speaks of disks. */
  readonly disks: () => readonly string[];
}

/**
 * What a caller writes to mean file systems:
 * - `path`: a mount point
 * - `glob`: mount points: `*` and `?` stand for characters of one name, `**` for any number of names, `[a-c]` for one of these characters
 * - `type`: `type:xfs`, all file systems of a type
 * - `disk`: `disk:sdb` or `disk:/dev/sdb`, all file systems with a part on a disk
 *
 * The texts after `type:` and `disk:` may be globs.
 */
export type MountPattern =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'glob' | 'type' | 'disk'; readonly glob: RegExp };

/** `/data/` and `//data/.` name the same mount point as `/data`. */
export function normalizeMountPoint(path: string): string {
  const normal = normalize(path);
  return normal === '/' ? normal : normal.replace(/\/$/, '');
}

export function parseMountPattern(text: string): MountPattern {
  const [, kind, rest = ''] = /^(type|disk):(.*)$/s.exec(text) ?? [];
  if (kind === 'type') {
    return { kind, glob: globOf(rest) };
  }
  if (kind === 'disk') {
    return { kind, glob: globOf(rest.replace(/^\/dev\//, '')) };
  }
  return /[*?[]/.test(text)
    ? { kind: 'glob', glob: globOf(normalizeMountPoint(text)) }
    : { kind: 'path', path: normalizeMountPoint(text) };
}

/** Pure. A mount point that is spelt like the pattern matches it, whatever its characters would mean. */
export function matchesMount(text: string, { type, mountPoints, disks }: Patterned): boolean {
  if (mountPoints.includes(normalizeMountPoint(text))) {
    return true;
  }
  const pattern = parseMountPattern(text);
  switch (pattern.kind) {
    case 'path':
      return false;
    case 'glob':
      return mountPoints.some((it) => pattern.glob.test(it));
    case 'type':
      return pattern.glob.test(type);
    case 'disk':
      return disks().some((it) => pattern.glob.test(it));
  }
}

/** Of a whole text. A slash is matched by itself and by `**` only. */
function globOf(glob: string): RegExp {
  const parts = glob.match(/\/\*\*(?=\/|$)|\*+|\?|\[[!^]?[^\]/]+\]|[^*?[/]+|[[/]/g) ?? [];
  const sources = parts.map((part, index) =>
    sourceOf(part, parts[index - 1] === '/' && (parts[index + 1] ?? '/').startsWith('/')),
  );
  return new RegExp(glob === '/**' ? '^/' : `^${sources.join('')}$`, 's');
}

/** @param isName between two slashes, or after the last one: a name is never empty */
function sourceOf(part: string, isName: boolean): string {
  if (part === '/**') {
    return '(?:/[^/]+)*';
  }
  if (part.startsWith('*')) {
    return isName ? '[^/]+' : '[^/]*';
  }
  if (part === '?') {
    return '[^/]';
  }
  const [, negation, characters] = /^\[([!^]?)([^\]]+)\]$/.exec(part) ?? [];
  return characters === undefined
    ? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    : `(?!/)[${negation === '' ? '' : '^'}${rangesOf(characters)}]`;
}

/** A range that goes backwards is taken as its characters. */
function rangesOf(characters: string): string {
  return characters.replace(/(.)(?:-(.))?/gs, (_, from: string, to: string | undefined) => {
    if (to === undefined) {
      return literal(from);
    }
    return `${literal(from)}${from <= to ? '-' : '\\-'}${literal(to)}`;
  });
}

/** A character of a class that stands for itself. */
function literal(character: string): string {
  return character.replace(/[\\\]^[-]/, '\\$&');
}
