import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from './options.ts';
import type { ArchiveOptions } from './package-archive.ts';
import type { PayloadFile } from './payload-file.ts';
import type { PackageFormat } from './system-package.ts';
import { AFTER_REMOVE, ON_INSTALL, ON_REMOVE, type SystemTree } from './system-tree.ts';
import { runTool } from './tools.ts';
import { layOutTree, REPRODUCIBLE } from './tree-layout.ts';

const ARCHITECTURE: Readonly<Record<Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** `flashfreeze_<version>_<architecture>.deb`, by dpkg-deb. */
export const DEB: PackageFormat = {
  manager: 'deb',
  nameOf: ({ version, architecture }) => `flashfreeze_${version}_${ARCHITECTURE[architecture]}.deb`,
  build: async (work, tree, options) =>
    await buildDeb(join(work, 'root'), tree, options, join(work, DEB.nameOf(options))),
};

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
