/** What each snapshot says of the restore point that it belongs to. */
export interface Membership {
  /** Identifier of the run that took it: the restore point's own. */
  readonly restorePoint: string;
  /** From 1. */
  readonly position: number;
  /** The number of snapshots that the restore point was to have. */
  readonly count: number;
  readonly host: string;
  /** Identifier that Azure gave the VM; undefined if it is not known. */
  readonly vm: string | undefined;
  /** Path of the disk on the machine, e.g. /dev/sdc; undefined if none was found. */
  readonly device: string | undefined;
  /** `os` for the OS disk; undefined if it is not known. */
  readonly lun: number | 'os' | undefined;
  /** Version of flashfreeze. */
  readonly version: string | undefined;
}

/** How a kind of snapshot names what it carries: the Blob service permits no hyphen in names of metadata. */
export type NamePrefix = 'flashfreeze_' | 'flashfreeze-';
export const METADATA_PREFIX = 'flashfreeze_' satisfies NamePrefix;
export const TAG_PREFIX = 'flashfreeze-' satisfies NamePrefix;

/** One name and its value, as metadata of a blob or a tag carry it. */
export type NamedValue = readonly [name: string, value: string];

/** Writes the membership as metadata or tags; `membershipIn` reads it. Pure. */
export function membershipValues(membership: Membership, prefix: NamePrefix): NamedValue[] {
  const { restorePoint, position, count, host, vm, device, lun, version } = membership;
  const values: readonly (readonly [name: string, value: string | undefined])[] = [
    ['run', restorePoint],
    ['disk', `${position} of ${count}`],
    ['lun', lun === undefined ? undefined : String(lun)],
    ['device', device],
    ['host', host],
    ['vm', vm],
    ['version', version],
  ];
  return values.flatMap(([name, value]): NamedValue[] =>
    value === undefined ? [] : [[`${prefix}${name}`, value]],
  );
}

const POSITION = /^(\d{1,4}) of (\d{1,4})$/;
const LUN = /^(?:os|\d{1,3})$/;

/**
 * Reads what a snapshot says of itself from its metadata or tags. Names differ in case, because services keep and ignore it
 * differently. Undefined if it says nothing that flashfreeze wrote. Pure.
 */
export function membershipIn(values: Readonly<Record<string, string>>): Membership | undefined {
  const own = new Map(
    Object.entries(values).flatMap(([name, value]): NamedValue[] => {
      const match = /^flashfreeze[-_](.+)$/i.exec(name);
      return match?.[1] === undefined ? [] : [[match[1].toLowerCase(), value]];
    }),
  );
  const restorePoint = own.get('run') ?? '';
  const [, position, count] = POSITION.exec(own.get('disk') ?? '') ?? [];
  if (restorePoint === '' || position === undefined || count === undefined) {
    return undefined;
  }
  const lun = own.get('lun') ?? '';
  return {
    restorePoint,
    position: Number(position),
    count: Number(count),
    host: own.get('host') ?? '',
    vm: own.get('vm'),
    device: own.get('device'),
    lun: LUN.test(lun) ? (lun === 'os' ? 'os' : Number(lun)) : undefined,
    version: own.get('version'),
  };
}
