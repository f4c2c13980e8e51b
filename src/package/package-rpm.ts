import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from './options.ts';
import type { PackageFormat } from './system-package.ts';
import { AFTER_REMOVE, ON_INSTALL, ON_REMOVE, type SystemTree } from './system-tree.ts';
import { runTool } from './tools.ts';
import { layOutTree, REPRODUCIBLE } from './tree-layout.ts';

const ARCHITECTURE: Readonly<Record<Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** `flashfreeze-<version>-1.<architecture>.rpm`, by rpmbuild. */
export const RPM: PackageFormat = {
  manager: 'rpm',
  nameOf: ({ version, architecture }) =>
    `flashfreeze-${version}-1.${ARCHITECTURE[architecture]}.rpm`,
  build: async (work, tree, { version, architecture }) => {
    const staged = join(work, 'staged');
    await layOutTree(staged, tree);
    const spec = join(work, 'flashfreeze.spec');
    await writeFile(spec, specText(version, tree, staged));
    const defines = Object.entries({ ...MACROS, _topdir: work, _rpmdir: work });
    await runTool(
      'rpmbuild',
      [
        ...['-bb', '--quiet', '--target', `${ARCHITECTURE[architecture]}-linux`],
        ...defines.flatMap(([macro, value]) => ['--define', `${macro} ${value}`]),
        spec,
      ],
      { env: { ...REPRODUCIBLE, HOME: work } },
    );
  },
};

const MACROS = {
  _rpmfilename: '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm',
  // Every rpm reads gzip.
  _binary_payload: 'w6.gzdio',
  _buildhost: 'localhost',
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  // The files are as they are to be: nothing is stripped, compressed or compiled.
  __os_install_post: '%{nil}',
  debug_package: '%{nil}',
  _build_id_links: 'none',
};

/** Those that no package of every machine has; several packages may have one. */
const OWN_FOLDERS = [
  '/opt/flashfreeze',
  '/opt/flashfreeze/package',
  '/usr/share/doc/flashfreeze',
  '/usr/share/bash-completion',
  '/usr/share/bash-completion/completions',
  '/usr/share/fish',
  '/usr/share/fish/vendor_completions.d',
  '/usr/share/zsh',
  '/usr/share/zsh/site-functions',
];

function specText(version: string, { files, links }: SystemTree, staged: string): string {
  const paths = [
    ...files.map(
      ({ path, isExecutable }) => `%attr(${isExecutable ? '0755' : '0644'}, root, root) "/${path}"`,
    ),
    ...links.map(({ path }) => `"/${path}"`),
  ];
  return `Name: flashfreeze
Version: ${version}
Release: 1
Summary: Consistent snapshots of every disk of a Linux VM
License: Apache-2.0
AutoReqProv: no
Requires: libc.so.6(GLIBC_2.28)(64bit), libstdc++.so.6()(64bit)

%description
Freezes all file systems at one instant for as short a time as possible,
takes snapshots of all disks of an Azure VM, and thaws, whatever happens.
Node.js and all else that it needs is in the package.

%install
cp -a '${staged}/.' "%{buildroot}/"

%post
${ON_INSTALL}

%preun
if [ "$1" = 0 ]; then
set -e
${ON_REMOVE}
fi

%postun
if [ "$1" = 0 ]; then
${AFTER_REMOVE}
fi

%files
%defattr(-, root, root, 0755)
${OWN_FOLDERS.map((folder) => `%dir ${folder}`).join('\n')}
${paths.join('\n')}
`;
}
