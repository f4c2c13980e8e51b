import { existsSync } from 'node:fs';
import { commandLink, DEFAULT_PREFIX, MACHINE, recordPath, timerPaths } from './places.ts';

/** Where the command is linked: by `setup`, and by packages. */
const LOCALS = ['/usr/local', '/usr'] as const;

/**
 * Whether the command is installed on this machine, by `setup` or as a package, or a schedule of it is there. An installation of the
 * extension is none.
 *
 * @param root of the paths; another folder in tests
 */
export function isCommandInstalled(root = ''): boolean {
  const { etc, state, lock } = MACHINE;
  const places = { prefix: DEFAULT_PREFIX, local: LOCALS[0], isPackaged: false, etc, state, lock };
  const { timer, cron } = timerPaths(places);
  const links = LOCALS.map((local) => commandLink({ ...places, local }));
  return [recordPath(places), ...links, timer, cron].some((path) => existsSync(`${root}${path}`));
}
