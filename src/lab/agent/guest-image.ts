import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { FlashfreezeError } from '../../errors.ts';
import { runCommand, tryCommand } from '../run-command.ts';

/** What makes an image; it stands beside this file. */
export type ImageRecipe = 'build-guest-image.sh' | 'build-systemd-image.sh';

const CACHE = join(import.meta.dirname, '../../../build/guest');
const DEBIAN_MIRROR = 'http://deb.debian.org/debian';

/** Where the image of this machine's own Debian release is kept; a changed recipe makes another one. */
export function guestImagePath(recipe: ImageRecipe): string {
  const text = readFileSync(join(import.meta.dirname, recipe));
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return join(CACHE, `${suiteName()}-${arch()}-${hash}.img`);
}

/**
 * Makes the image unless it is there, which takes most of a minute: the network is needed, so
 * this is done outside the lab. Throws FF_LAB_UNAVAILABLE with debootstrap's last words.
 */
export async function requireGuestImage(
  recipe: ImageRecipe = 'build-guest-image.sh',
): Promise<void> {
  const image = guestImagePath(recipe);
  if (existsSync(image)) {
    return;
  }
  await mkdir(dirname(image), { recursive: true });
  const { code, stdout, stderr } = await tryCommand('flock', [
    ...[`${image}.lock`, 'unshare', '--mount', '--propagation', 'private', '--'],
    ...['sh', join(import.meta.dirname, recipe), suiteName(), await mirror(), image],
  ]);
  if (code !== 0) {
    throw new FlashfreezeError(
      'FF_LAB_UNAVAILABLE',
      `The guest's disk image could not be made by debootstrap (exit code ${code}): ${`${stdout}${stderr}`.trim().slice(-600)}`,
    );
  }
}

function suiteName(): string {
  const release = readFileSync('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1];
  if (codename === undefined) {
    throw new FlashfreezeError(
      'FF_LAB_UNAVAILABLE',
      'The lab makes guests of the Debian release it runs on, but /etc/os-release has no VERSION_CODENAME.',
    );
  }
  return codename;
}

/** The mirror that apt-get itself uses. */
async function mirror(): Promise<string> {
  const targets = await runCommand('apt-get', [
    ...[
      'indextargets',
      '--format',
      '$(SITE) $(RELEASE)',
      'Identifier: Packages',
      'Component: main',
    ],
  ]);
  const own = targets.split('\n').find((line) => line.endsWith(` ${suiteName()}`));
  return own?.split(' ')[0] ?? DEBIAN_MIRROR;
}
