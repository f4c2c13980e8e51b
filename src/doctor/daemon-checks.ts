import { ok, warning } from './check.ts';
import type { Check, MachineFacts } from './doctor-types.ts';

/** Situations in which freezes are known to wait for each other (freeze-facts.md, Stuck). */
export function checkDaemons({ plan, programs }: MachineFacts): Check[] {
  const daemons = 'error' in plan ? [] : plan.daemons;
  const images =
    'error' in plan ? [] : plan.fileSystems.filter(({ imageOn }) => imageOn !== undefined);
  const found = [
    ...daemons
      .filter(({ permissionGroups }) => permissionGroups.length > 0)
      .map(({ pid, command }) =>
        warning(
          'permission-daemon',
          `${command} (pid ${pid}) permits each open of a file (fanotify), and may itself block on a frozen file system`,
          'nothing to do: the file systems that it writes to are frozen last, and if it blocks, flashfreeze answers its pending permission requests (lastLever)',
        ),
      ),
    ...daemons
      .filter(({ connections, writesTo }) => connections.length > 0 && writesTo.length > 0)
      .map(({ pid, command }) =>
        warning(
          'fuse',
          `${command} (pid ${pid}) serves a FUSE file system and writes to disks`,
          'nothing to do: images on it are frozen before the file systems that it writes to',
        ),
      ),
    ...images.map(({ mountPoint, disks }) =>
      ok(
        'image',
        `${mountPoint} lies in an image on ${disks.join(' ')}: it is frozen before the file system of the image, and thawed after it`,
      ),
    ),
    ...(programs.includes('auditd')
      ? [
          warning(
            'auditd',
            'auditd writes to a log on a frozen file system: if its backlog is full, programs block',
            'set a large backlog, which covers the window (auditctl -b 8192)',
          ),
        ]
      : []),
  ];
  return found.length === 0
    ? [ok('daemons', 'no running daemon is known to block freezes')]
    : found;
}
