import { readFileSync } from 'node:fs';

/** One line of mountinfo, as far as the lab needs it. */
export interface MountedFileSystem {
  readonly device: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
}

/** Types that hold files that may be needed inside the lab; everything else is a kernel interface. */
const FILE_TYPES: ReadonlySet<string> = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'zfs', 'bcachefs', 'overlay', 'tmpfs'],
  ...['nfs', 'nfs4', '9p', 'virtiofs'],
]);

/** The lab has its own of these. */
const REPLACED = ['/proc', '/sys', '/dev', '/run'];

/** Reads what is mounted in the caller's mount namespace, in mount order. */
export function mountedFileSystems(): MountedFileSystem[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** See proc_pid_mountinfo(5): optional fields end with a lone `-`. */
export function parseMountInfo(text: string): MountedFileSystem[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ', 2);
      const [, , device = '', , mountPoint = ''] = left.split(' ');
      const [type = '', source = ''] = right.split(' ');
      return { device, mountPoint: unescapePath(mountPoint), type, source: unescapePath(source) };
    });
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Programs, libraries, configuration and people's files; a machine may mount each on its own. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib64',
  '/etc',
  '/opt',
  '/var',
  '/home',
  '/root',
];

/**
 * Mount points below `/` that the lab shows through an overlay of their own, outer first: the
 * system's, and those that hold one of the `needed` paths. An overlay keeps the file system under
 * it in use, so the others are left out.
 */
export function mountPointsToCover(
  mounts: readonly MountedFileSystem[],
  needed: readonly string[],
): string[] {
  const wanted = mounts
    .filter(({ type, mountPoint }) => FILE_TYPES.has(type) && mountPoint !== '/')
    .map(({ mountPoint }) => mountPoint)
    .filter((path) => !REPLACED.some((top) => isInside(path, top)))
    .filter(
      (path) =>
        SYSTEM.includes(path) ||
        isInside(path, '/usr') ||
        needed.some((file) => isInside(file, path)),
    );
  return [...new Set(wanted)].sort((a, b) => a.split('/').length - b.split('/').length);
}

/** True if `path` is `directory` or lies below it. */
export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}
