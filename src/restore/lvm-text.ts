import type { LogicalVolume, LvmSegment, PhysicalVolume, VolumeGroup } from './volume-types.ts';

const SECTOR_BYTES = 512;
const MOST_DEPTH = 8;
const TOKENS = /#[^\n]*|"(?:\\.|[^"\\])*"|[[\]{}=,]|[^\s[\]{}=,#"]+/g;

type Value = string | number | readonly Value[] | Section;
type Section = ReadonlyMap<string, Value>;

/**
 * Reads the metadata of a volume group (lvm2, lib/format_text/import_vsn1.c). Undefined if it is none. Pure.
 *
 * @param text one version of it
 */
export function volumeGroupIn(text: string): VolumeGroup | undefined {
  // It ends with a zero byte.
  const tokens = [...text.replaceAll('\0', '').matchAll(TOKENS)].flatMap(([token]) =>
    token.startsWith('#') ? [] : [token],
  );
  const all = new Parser(tokens).section(0);
  const [name, group] = [...(all ?? [])].find(([, value]) => value instanceof Map) ?? [];
  if (name === undefined || !(group instanceof Map)) {
    return undefined;
  }
  const uuid = textOf(group, 'id');
  const seqno = numberOf(group, 'seqno');
  const extentBytes = (numberOf(group, 'extent_size') ?? 0) * SECTOR_BYTES;
  if (uuid === undefined || seqno === undefined || extentBytes === 0) {
    return undefined;
  }
  return {
    ...{ name, uuid, seqno, extentBytes },
    physicalVolumes: sectionsOf(group, 'physical_volumes').map(physicalVolume),
    logicalVolumes: sectionsOf(group, 'logical_volumes').flatMap(logicalVolume),
  };
}

function physicalVolume([name, section]: NamedSection): PhysicalVolume {
  return {
    name,
    uuid: (textOf(section, 'id') ?? '').replaceAll('-', ''),
    device: textOf(section, 'device') ?? '?',
    startBytes: (numberOf(section, 'pe_start') ?? 0) * SECTOR_BYTES,
  };
}

function logicalVolume([name, section]: NamedSection): LogicalVolume[] {
  const status = section.get('status');
  if (!Array.isArray(status) || !status.includes('VISIBLE')) {
    return [];
  }
  const segments = [...section].flatMap(([key, value]) =>
    /^segment\d+$/.test(key) && value instanceof Map ? [segment(value)] : [],
  );
  return [{ name, segments: segments.toSorted((a, b) => a.startExtent - b.startExtent) }];
}

function segment(section: Section): LvmSegment {
  const type = textOf(section, 'type') ?? '?';
  const flat = section.get('stripes');
  const stripes = type === 'striped' && Array.isArray(flat) ? pairsOf(flat) : [];
  return {
    startExtent: numberOf(section, 'start_extent') ?? 0,
    extentCount: numberOf(section, 'extent_count') ?? 0,
    type,
    stripeBytes: (numberOf(section, 'stripe_size') ?? 0) * SECTOR_BYTES,
    stripes,
  };
}

function pairsOf(flat: readonly Value[]): { pv: string; startExtent: number }[] {
  const pairs: { pv: string; startExtent: number }[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2) {
    pairs.push({ pv: String(flat[index]), startExtent: Number(flat[index + 1]) });
  }
  return pairs;
}

type NamedSection = readonly [name: string, section: Section];

function sectionsOf(section: Section, key: string): NamedSection[] {
  const inner = section.get(key);
  return inner instanceof Map
    ? [...(inner as Section)].flatMap(([name, value]): NamedSection[] =>
        value instanceof Map ? [[name, value]] : [],
      )
    : [];
}

function textOf(section: Section, key: string): string | undefined {
  const value = section.get(key);
  return typeof value === 'string' ? value : undefined;
}

function numberOf(section: Section, key: string): number | undefined {
  const value = section.get(key);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** `key = value` and `key { … }`; values are numbers, quoted texts and lists of these. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  /** Up to the closing brace, or the end. Undefined if it is not written that way. */
  section(depth: number): Section | undefined {
    const found = new Map<string, Value>();
    for (;;) {
      const key = this.#next();
      if (key === undefined || key === '}') {
        return found;
      }
      const sign = this.#next();
      const value =
        sign === '=' ? this.#value() : sign === '{' ? this.#inner(depth + 1) : undefined;
      if (value === undefined) {
        return undefined;
      }
      found.set(key, value);
    }
  }

  #inner(depth: number): Section | undefined {
    return depth > MOST_DEPTH ? undefined : this.section(depth);
  }

  #value(): Value | undefined {
    const token = this.#next();
    if (token !== '[') {
      return token === undefined ? undefined : scalar(token);
    }
    const items: Value[] = [];
    for (let item = this.#next(); item !== ']'; item = this.#next()) {
      if (item === undefined) {
        return undefined;
      }
      if (item !== ',') {
        items.push(scalar(item));
      }
    }
    return items;
  }

  #next(): string | undefined {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    return token;
  }
}

function scalar(token: string): string | number {
  return token.startsWith('"')
    ? token.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    : /^\d+$/.test(token)
      ? Number(token)
      : token;
}
