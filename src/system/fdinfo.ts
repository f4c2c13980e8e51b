import type { DeviceNumber } from './device-number.ts';

/** What `/proc/<pid>/fdinfo/<fd>` says of one descriptor, as far as relations need it. */
export interface DescriptorInfo {
  /** Undefined before Linux 3.15. */
  readonly mountId: number | undefined;
  readonly isWritable: boolean;
  /** Of a `/dev/fuse` descriptor, on kernels that show it: number of the superblock it serves. */
  readonly fuseConnection: DeviceNumber | undefined;
  /** Of a fanotify descriptor: those marks whose events wait for an answer. */
  readonly permissionMarks: readonly PermissionMark[];
}

export type PermissionMark =
  /** A whole file system, or one file or directory of it. */
  | { readonly kind: 'superblock'; readonly device: DeviceNumber }
  | { readonly kind: 'mount'; readonly mountId: number };

/** FAN_OPEN_PERM, FAN_ACCESS_PERM, FAN_OPEN_EXEC_PERM, FAN_PRE_ACCESS: linux/fanotify.h. */
const PERMISSION_EVENTS = 0x10000 | 0x20000 | 0x40000 | 0x100000;
/** In the `flags` of fdinfo, octal: O_ACCMODE and O_PATH of every architecture Node runs on. */
const ACCESS_MODE = 0o3;
const PATH_ONLY = 0o10000000;
/** The kernel's own dev_t: 12 bits of major above 20 bits of minor (linux/kdev_t.h). */
const MINOR_BITS = 20;

/** Reads the text of one fdinfo; never throws, what is not there or not understood is left out. */
export function parseFdinfo(text: string): DescriptorInfo {
  const lines = text.split('\n');
  const flags = Number.parseInt(fieldOf(lines, 'flags:') ?? '0', 8);
  const connection = numberOf(fieldOf(lines, 'fuse_connection:'));
  return {
    mountId: numberOf(fieldOf(lines, 'mnt_id:')),
    isWritable: (flags & ACCESS_MODE) !== 0 && (flags & PATH_ONLY) === 0,
    fuseConnection: connection === undefined ? undefined : fromKernelDevice(connection),
    permissionMarks: lines
      .filter((line) => line.startsWith('fanotify '))
      .map(parseMark)
      .filter((mark) => mark !== undefined),
  };
}

/** `fanotify sdev:700009 mflags:0 mask:10000 ignored_mask:0`; all numbers are hexadecimal. */
function parseMark(line: string): PermissionMark | undefined {
  const fields = new Map(
    line.split(' ').map((field) => {
      const [name = '', value = ''] = field.split(':', 2);
      return [name, Number.parseInt(value, 16)] as const;
    }),
  );
  if (((fields.get('mask') ?? 0) & PERMISSION_EVENTS) === 0) {
    return undefined;
  }
  const device = fields.get('sdev');
  const mountId = fields.get('mnt_id');
  if (device !== undefined) {
    return { kind: 'superblock', device: fromKernelDevice(device) };
  }
  return mountId === undefined ? undefined : { kind: 'mount', mountId };
}

function fromKernelDevice(device: number): DeviceNumber {
  return `${device >>> MINOR_BITS}:${device & ((1 << MINOR_BITS) - 1)}`;
}

function fieldOf(lines: readonly string[], name: string): string | undefined {
  return lines.find((line) => line.startsWith(name))?.slice(name.length);
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text?.trim() || Number.NaN);
  return Number.isSafeInteger(number) ? number : undefined;
}
