import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';

/** Commands the lab calls, with the Debian package each of them comes from. */
export const LAB_COMMANDS = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  pivot_root: 'util-linux',
  fsfreeze: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  umount: 'mount',
  losetup: 'mount',
  sfdisk: 'fdisk',
  partx: 'util-linux',
  fallocate: 'util-linux',
  mountpoint: 'util-linux',
  ip: 'iproute2',
  openssl: 'openssl',
  'mkfs.ext3': 'e2fsprogs',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  'mkfs.btrfs': 'btrfs-progs',
} as const satisfies Record<string, string>;

/** Only some tests and benchmarks call these. */
export const OPTIONAL_COMMANDS = {
  chromium: 'chromium',
  groff: 'groff-base',
  curl: 'curl',
  'qemu-ga': 'qemu-guest-agent',
  fusermount3: 'fuse3',
  fapolicyd: 'fapolicyd',
  strace: 'strace',
  'update-ca-certificates': 'ca-certificates',
  // A benchmark compiles a program with it.
  '/usr/include/openssl/ssl.h': 'libssl-dev',
  xfs_repair: 'xfsprogs',
  dumpe2fs: 'e2fsprogs',
  tune2fs: 'e2fsprogs',
  rpm: 'rpm',
  rpmbuild: 'rpm',
  debootstrap: 'debootstrap',
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
  'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
  '/usr/lib/qemu/virtiofsd': 'qemu-system-common',
  depmod: 'kmod',
  xz: 'xz-utils',
  gpgv: 'gpgv',
  wget: 'wget',
  python3: 'python3',
  busybox: 'busybox',
  promtool: 'prometheus',
  // The server's programs lie in a directory of their version; this one comes with them.
  pg_lsclusters: 'postgresql',
  psql: 'postgresql-client',
  // Without the package that would start a server at every boot.
  mariadbd: 'mariadb-server-core',
  'mariadb-install-db': 'mariadb-server-core',
  mariadb: 'mariadb-client-core',
} as const satisfies Record<string, string>;

export type OptionalCommand = keyof typeof OPTIONAL_COMMANDS;

/** Root's PATH may lack the sbin directories (su without a login shell). */
export const SYSTEM_PATH = [
  ...(process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== ''),
  ...['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'],
].join(delimiter);

/** Debian asks this program whether a package may start its service: none may, while the lab installs. */
const NO_SERVICES = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >$policy && chmod 755 $policy
fi`;

const INSTALL = [
  NO_SERVICES,
  'export DEBIAN_FRONTEND=noninteractive',
  'apt-get update -q',
  'apt-get install -q -y --no-install-recommends "$@"',
].join(' && ');

/**
 * Makes sure that the commands of the lab exist, by apt-get if some do not. Test files run side
 * by side, so the installation stands under a lock, and packages that another one has installed
 * meanwhile cost nothing. Throws FF_LAB_UNAVAILABLE, with the packages' names, if it cannot.
 */
export async function requireLabCommands(optional: readonly OptionalCommand[] = []): Promise<void> {
  const missing = missingPackages(optional);
  if (missing.length === 0) {
    return;
  }
  const reason = await install(missing);
  const left = missingPackages(optional);
  if (left.length > 0) {
    throw new FlashfreezeError(
      'FF_LAB_UNAVAILABLE',
      `The lab needs the Debian packages ${left.join(', ')} and they could not be installed (${reason}). Install them: apt-get install ${left.join(' ')}`,
    );
  }
}

function missingPackages(optional: readonly OptionalCommand[]): string[] {
  const wanted: Record<string, string> = { ...LAB_COMMANDS };
  for (const name of optional) {
    wanted[name] = OPTIONAL_COMMANDS[name];
  }
  const missing = Object.entries(wanted).filter(([name]) => !isInstalled(name));
  return [...new Set(missing.map(([, packageName]) => packageName))].sort();
}

/** @param command its name, or the absolute path of another file */
function isInstalled(command: string): boolean {
  if (isAbsolute(command)) {
    return existsSync(command);
  }
  return SYSTEM_PATH.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Resolves to why the packages may still be missing. */
async function install(packages: readonly string[]): Promise<string> {
  if (process.getuid?.() !== 0) {
    return 'not root';
  }
  if (!isInstalled('apt-get') || !isInstalled('flock')) {
    return 'no apt-get on this machine';
  }
  process.stderr.write(`Installing ${packages.join(', ')} with apt-get for the lab.\n`);
  const lock = '/run/flashfreeze-lab.apt.lock';
  const { promise, resolve } = Promise.withResolvers<string>();
  const child = spawn('flock', [lock, 'sh', '-c', INSTALL, 'sh', ...packages], {
    env: { ...process.env, PATH: SYSTEM_PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.on('error', (error) => resolve(error.message));
  child.on('close', (code) => resolve(`apt-get ended with ${code}: ${output.trim().slice(-400)}`));
  return promise;
}
