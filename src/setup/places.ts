import { join } from 'node:path';

export const DEFAULT_PREFIX = '/opt/flashfreeze';

/** The files of an unpacked archive; all of them are copied. */
export const PAYLOAD_FILES: readonly { readonly name: string; readonly mode: number }[] = [
  { name: 'LICENSE', mode: 0o644 },
  { name: 'THIRD-PARTY-NOTICES.txt', mode: 0o644 },
  { name: 'flashfreeze', mode: 0o755 },
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
  /** `/usr/local`; another folder in tests. */
  readonly local: string;
}

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
