import type { DeviceNumber } from './device-number.ts';

/** One line of mountinfo, proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** Of the superblock; anonymous (`0:N`) for btrfs and everything without a block device. */
  readonly device: DeviceNumber;
  /** Directory (or file) of the superblock that is shown here: `/` for all of it; `net:[…]` on nsfs. */
  readonly root: string;
  readonly mountPoint: string;
  /** Of this mount alone; a read-only bind has `ro` here and `rw` in `superOptions`. */
  readonly options: string;
  readonly type: string;
  readonly source: string;
  /** Of the superblock, still escaped: commas inside a value are `\054`. */
  readonly superOptions: string;
}

/** A line that could not be used. One odd line must not cost the backup, but is not passed over in silence. */
export interface SkippedLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

export interface MountTable {
  /** In the kernel's order. */
  readonly mounts: readonly Mount[];
  readonly skipped: readonly SkippedLine[];
}

const SEPARATOR = '-';
const FIRST_OPTIONAL_FIELD = 6;
const DEVICE = /^\d+:\d+$/;
const NUMBER = /^\d+$/;
/** What decoding puts where bytes are none. */
const NOT_UTF_8 = '\ufffd';

/**
 * Reads the text of `/proc/<pid>/mountinfo`. Never throws: a line that does not have the documented
 * shape, or whose mount point is no valid UTF-8 (it could not be opened by its name), ends in `skipped`.
 */
export function parseMountinfo(text: string): MountTable {
  const mounts: Mount[] = [];
  const skipped: SkippedLine[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') {
      continue;
    }
    const parsed = parseLine(line);
    if (typeof parsed === 'string') {
      skipped.push({ line: index + 1, reason: parsed });
    } else {
      mounts.push(parsed);
    }
  }
  return { mounts, skipped };
}

/** The mount, or why the line is none. */
function parseLine(line: string): Mount | string {
  // An empty source is printed as an empty field, so every single space counts.
  const fields = line.split(' ');
  const separator = fields.indexOf(SEPARATOR, FIRST_OPTIONAL_FIELD);
  const [id, parentId, device, root, mountPoint, options] = fields;
  const [type, source, ...superOptions] = separator === -1 ? [] : fields.slice(separator + 1);
  if (!(root && mountPoint && options && type) || source === undefined) {
    return 'it does not have the fields of a mount';
  }
  if (!(isNumber(id) && isNumber(parentId))) {
    return 'its mount ids are not numbers';
  }
  if (device === undefined || !DEVICE.test(device)) {
    return 'its device is not major:minor';
  }
  if (!mountPoint.startsWith('/')) {
    return 'its mount point is not an absolute path';
  }
  if (mountPoint.includes(NOT_UTF_8)) {
    return 'its mount point is not valid UTF-8';
  }
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options,
    type: unescapeOctal(type),
    source: unescapeOctal(source),
    superOptions: superOptions.join(' '),
  };
}

function isNumber(field: string | undefined): boolean {
  return field !== undefined && NUMBER.test(field);
}

/** The kernel escapes space, tab, newline, backslash (and `#`, `,`, `=` in places) as `\ooo`, all ASCII. */
export function unescapeOctal(text: string): string {
  return text.includes('\\')
    ? text.replace(/\\([01][0-7]{2})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
      )
    : text;
}

/** Whether a list of mount options has the flag, e.g. `ro`. */
export function hasOption(options: string, flag: string): boolean {
  return options.split(',').includes(flag);
}

/** Value of `name=value` in a list of mount options. */
export function optionValue(options: string, name: string): string | undefined {
  const option = options.split(',').find((candidate) => candidate.startsWith(`${name}=`));
  return option === undefined ? undefined : unescapeOctal(option.slice(name.length + 1));
}
