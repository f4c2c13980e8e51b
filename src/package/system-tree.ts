import { gzipSync } from 'node:zlib';
import { PACKAGE_FOLDER, PACKAGE_MANAGER_FILE } from '../setup/places.ts';
import { renderService, renderTimer, SERVICE_NAME, TIMER_NAME } from '../setup/schedule.ts';
import { type PayloadFile, textFile } from './payload-file.ts';

export const PACKAGE_MANAGERS = ['deb', 'rpm'] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

/** What the program itself prints for an installation of it. */
export interface ProgramTexts {
  readonly manual: string;
  readonly bash: string;
  readonly zsh: string;
  readonly fish: string;
}

export interface SystemTree {
  /** Without a leading slash. */
  readonly files: readonly PayloadFile[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

const COMMAND = 'usr/sbin/flashfreeze';

/**
 * What a package puts on a machine. The program lies in a folder that nothing runs from: setup, which the package runs,
 * makes a version of it (by hard links) and its link `current`, so that an upgrade does not take the files
 * of a run away.
 */
export function systemTree(
  payload: readonly PayloadFile[],
  manager: PackageManager,
  { manual, bash, zsh, fish }: ProgramTexts,
): SystemTree {
  const program = PACKAGE_FOLDER.slice(1);
  const zshFolder = manager === 'deb' ? 'vendor-completions' : 'site-functions';
  const files = [
    ...payload.map((file) => ({ ...file, path: `${program}/${file.path}` })),
    textFile(`${program}/${PACKAGE_MANAGER_FILE}`, `${manager}\n`),
    { ...textFile('usr/share/man/man8/flashfreeze.8.gz', ''), content: gzipSync(manual) },
    textFile('usr/share/bash-completion/completions/flashfreeze', bash),
    textFile(`usr/share/zsh/${zshFolder}/_flashfreeze`, zsh),
    textFile('usr/share/fish/vendor_completions.d/flashfreeze.fish', fish),
    textFile('usr/share/doc/flashfreeze/copyright', COPYRIGHT),
    textFile(`usr/lib/systemd/system/${SERVICE_NAME}`, renderService(`/${COMMAND}`)),
    textFile(`usr/lib/systemd/system/${TIMER_NAME}`, renderTimer('daily')),
  ];
  return {
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    links: [{ path: COMMAND, target: '/opt/flashfreeze/current/flashfreeze' }],
  };
}

const COPYRIGHT = `flashfreeze: Apache 2.0, see ${PACKAGE_FOLDER}/LICENSE
What it contains of others: see ${PACKAGE_FOLDER}/THIRD-PARTY-NOTICES.txt
`;

/** Shell lines for the scripts of a package. */
export const ON_INSTALL = `${PACKAGE_FOLDER}/flashfreeze setup
if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi`;

/** Fails, and changes nothing, while a run goes on. */
export const ON_REMOVE = `FLASHFREEZE_REMOVED_BY_PACKAGE=1 ${PACKAGE_FOLDER}/flashfreeze setup --remove
if command -v systemctl >/dev/null; then systemctl --quiet disable --now ${TIMER_NAME} 2>/dev/null || :; fi`;

export const AFTER_REMOVE = `if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi
rm -f /var/lib/systemd/timers/stamp-${TIMER_NAME}
rmdir /opt/flashfreeze 2>/dev/null || :`;
