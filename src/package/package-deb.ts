import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from './options.ts';
import { makeOut } from './output.ts';
import {
  type ArchiveOptions,
  commandPayload,
  type MadeFile,
  writeBeside,
} from './package-archive.ts';
import type { PayloadFile } from './payload-file.ts';
import { WORK } from './repository.ts';
import {
  AFTER_REMOVE,
  ON_INSTALL,
  ON_REMOVE,
  type ProgramTexts,
  type SystemTree,
  systemTree,
} from './system-tree.ts';
import { runTool } from './tools.ts';
import { layOutTree, REPRODUCIBLE } from './tree-layout.ts';

const ARCHITECTURE: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Makes `<out>/flashfreeze_<version>_<architecture>.deb` and its checksum, by dpkg-deb. The same checkout, built with
 * the same compiler, gives the same bytes.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED; FF_USAGE if the output folder cannot be made
 */
export async function packageDeb(options: ArchiveOptions, texts: ProgramTexts): Promise<MadeFile> {
  await mkdir(WORK, { recursive: true });
  return await makeDeb(await commandPayload(options), options, texts);
}

/** As `packageDeb`, of these files. */
export async function makeDeb(
  payload: readonly PayloadFile[],
  options: ArchiveOptions,
  texts: ProgramTexts,
): Promise<MadeFile> {
  await makeOut(options.out);
  const name = `flashfreeze_${options.version}_${ARCHITECTURE[options.architecture]}.deb`;
  const work = await mkdtemp(join(WORK, 'deb-'));
  try {
    const built = join(work, name);
    await buildDeb(join(work, 'root'), systemTree(payload, 'deb', texts), options, built);
    return await writeBeside(options, name, built);
  } finally {
    await rm(work, { recursive: true });
  }
}

async function buildDeb(
  root: string,
  tree: SystemTree,
  { version, architecture }: ArchiveOptions,
  built: string,
): Promise<void> {
  await layOutTree(root, tree);
  const control = join(root, 'DEBIAN');
  await mkdir(control);
  await chmod(control, 0o755);
  const files: readonly (readonly [name: string, text: string, mode: number])[] = [
    ['control', controlText(version, ARCHITECTURE[architecture], tree), 0o644],
    ['md5sums', md5sums(tree.files), 0o644],
    ['postinst', POSTINST, 0o755],
    ['prerm', PRERM, 0o755],
    ['postrm', POSTRM, 0o755],
  ];
  for (const [name, text, mode] of files) {
    await writeFile(join(control, name), text);
    await chmod(join(control, name), mode);
  }
  // gzip: every dpkg reads it, and it gives the same bytes whatever the number of processors.
  const options = ['--root-owner-group', '--uniform-compression', '-Zgzip', '-z6'];
  await runTool('dpkg-deb', [...options, '--build', root, built], { env: REPRODUCIBLE });
}

function controlText(version: string, architecture: string, { files }: SystemTree): string {
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
  return `Package: flashfreeze
Version: ${version}
Architecture: ${architecture}
Maintainer: flashfreeze <flashfreeze@localhost>
Installed-Size: ${Math.ceil(bytes / 1_024)}
Depends: libc6 (>= 2.28), libstdc++6
Section: admin
Priority: optional
Description: consistent snapshots of every disk of a Linux VM
 Freezes all file systems at one instant for as short a time as possible,
 takes snapshots of all disks of an Azure VM, and thaws, whatever happens.
 Node.js and all else that it needs is in the package.
`;
}

/** For dpkg --verify. */
function md5sums(files: readonly PayloadFile[]): string {
  const lines = files.map(
    ({ path, content }) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`,
  );
  return lines.join('');
}

const POSTINST = `#!/bin/sh
set -e
case "$1" in
configure | abort-upgrade | abort-remove | abort-deconfigure)
${indented(ON_INSTALL)}
  ;;
esac
`;

const PRERM = `#!/bin/sh
set -e
case "$1" in
remove | deconfigure)
${indented(ON_REMOVE)}
  ;;
esac
`;

const POSTRM = `#!/bin/sh
set -e
case "$1" in
remove | purge)
${indented(AFTER_REMOVE)}
  ;;
esac
if [ "$1" = purge ]; then
  rm -f /etc/flashfreeze/snapshot.conf
  rm -rf /var/log/flashfreeze /var/lib/flashfreeze
  rmdir /etc/flashfreeze 2>/dev/null || :
fi
`;

function indented(lines: string): string {
  return lines.replaceAll(/^/gm, '  ');
}
