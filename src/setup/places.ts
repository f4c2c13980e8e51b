import { join } from 'node:path';
import { SERVICE_NAME, TIMER_NAME } from './schedule.ts';

export const DEFAULT_PREFIX = '/opt/flashfreeze';

/** Where a package of a package manager puts the program; nothing runs from there but setup. */
export const PACKAGE_FOLDER = '/opt/flashfreeze/package';
/** In that folder; names the package manager. */
export const PACKAGE_MANAGER_FILE = 'package-manager';

/** The files of an unpacked archive that run; all of them are copied. */
export const PAYLOAD_FILES: readonly { readonly name: string; readonly mode: number }[] = [
  { name: 'LICENSE', mode: 0o644 },
  { name: 'THIRD-PARTY-NOTICES.txt', mode: 0o644 },
  { name: 'flashfreeze', mode: 0o755 },
  { name: 'flashfreeze-disk-heads', mode: 0o755 },
  { name: 'flashfreeze-guardian', mode: 0o755 },
  { name: 'flashfreeze.js', mode: 0o644 },
  { name: 'flashfreeze.node', mode: 0o644 },
  { name: 'flashfreeze.rules.yml', mode: 0o644 },
  { name: 'node', mode: 0o755 },
  { name: 'package.json', mode: 0o644 },
  { name: 'worker.js', mode: 0o644 },
];

/** Where an installation lies. */
export interface Places {
  /** Absolute; holds a folder for each version and the link `current`. */
  readonly prefix: string;
  /** `/usr/local`, or `/usr` of a package; another folder in tests, as the others. */
  readonly local: string;
  /** `/etc` */
  readonly etc: string;
  /** `/var/lib` */
  readonly state: string;
  /** A package manager has put the program, its link and its texts there. */
  readonly isPackaged: boolean;
  /** The lock of setup, in memory. */
  readonly lock: string;
}

export const MACHINE: Omit<Places, 'prefix' | 'isPackaged' | 'local'> = {
  etc: '/etc',
  state: '/var/lib',
  lock: '/run/flashfreeze-setup.lock',
};

export function currentLink({ prefix }: Places): string {
  return join(prefix, 'current');
}

export function recordPath({ prefix }: Places): string {
  return join(prefix, 'setup.json');
}

/** The link by which the command is found. */
export function commandLink({ local }: Places): string {
  return join(local, 'sbin/flashfreeze');
}

/** Where the texts are read that the program itself prints. */
export function textPaths({
  local,
}: Places): Readonly<Record<'manual' | 'bash' | 'zsh' | 'fish', string>> {
  return {
    manual: join(local, 'share/man/man8/flashfreeze.8'),
    bash: join(local, 'share/bash-completion/completions/flashfreeze'),
    zsh: join(local, 'share/zsh/site-functions/_flashfreeze'),
    fish: join(local, 'share/fish/vendor_completions.d/flashfreeze.fish'),
  };
}

/** The configuration that the timer runs with. */
export function examplePath({ etc }: Places): string {
  return join(etc, 'flashfreeze/snapshot.conf');
}

export function timerPaths({
  etc,
  state,
}: Places): Readonly<Record<'service' | 'timer' | 'wish' | 'cron' | 'stamp', string>> {
  return {
    service: join(etc, 'systemd/system', SERVICE_NAME),
    timer: join(etc, 'systemd/system', TIMER_NAME),
    // The link that systemctl enable makes.
    wish: join(etc, 'systemd/system/timers.target.wants', TIMER_NAME),
    cron: join(etc, 'cron.d/flashfreeze'),
    // Where systemd notes when the timer ran last.
    stamp: join(state, 'systemd/timers', `stamp-${TIMER_NAME}`),
  };
}
