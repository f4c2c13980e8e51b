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
          `${command} (pid ${pid}) is asked before files are opened, and may wait for what is frozen`,
          'nothing: what it writes to is frozen last, and its questions are answered where it hangs (lastLever)',
        ),
      ),
    ...daemons
      .filter(({ connections, writesTo }) => connections.length > 0 && writesTo.length > 0)
      .map(({ pid, command }) =>
        warning(
          'fuse',
          `${command} (pid ${pid}) serves a FUSE file system and writes to disks`,
          'nothing: images on it are frozen before what it writes to',
        ),
      ),
    ...images.map(({ mountPoint, disks }) =>
      ok(
        'image',
        `${mountPoint} lies in an image on ${disks.join(' ')}: frozen before that, thawed after it`,
      ),
    ),
    ...(programs.includes('auditd')
      ? [
          warning(
            'auditd',
            'auditd writes to a log that is frozen: with a full backlog, programs wait for it',
            'a large backlog (auditctl -b 8192) covers the window',
          ),
        ]
      : []),
  ];
  return found.length === 0
    ? [ok('daemons', 'nothing runs that freezes are known to wait for')]
    : found;
}
