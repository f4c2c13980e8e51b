import { ok, warning } from './check.ts';
import type { Check, MachineFacts } from './doctor-types.ts';

/** From this backlog on, auditd has room for a window. */
const ENOUGH_BACKLOG = 8_192;

/** Situations in which freezes are known to wait for each other (freeze-facts.md, Stuck). */
export function checkDaemons({ plan, programs, auditBacklog }: MachineFacts): Check[] {
  const daemons = 'error' in plan ? [] : plan.daemons;
  const images =
    'error' in plan ? [] : plan.fileSystems.filter(({ imageOn }) => imageOn !== undefined);
  const found = [
    ...daemons
      .filter(({ permissionGroups }) => permissionGroups.length > 0)
      .map(({ pid, command }) =>
        ok(
          'permission-daemon',
          `${command} (pid ${pid}) permits each open of a file (fanotify): the file systems that it writes to are frozen last, and if it blocks, flashfreeze answers its pending permission requests (lastLever)`,
        ),
      ),
    ...daemons
      .filter(({ connections, writesTo }) => connections.length > 0 && writesTo.length > 0)
      .map(({ pid, command }) =>
        ok(
          'fuse',
          `${command} (pid ${pid}) serves a FUSE file system and writes to disks: images on it are frozen before the file systems that it writes to`,
        ),
      ),
    ...images.map(({ mountPoint, disks }) =>
      ok(
        'image',
        `${mountPoint} lies in an image on ${disks.join(' ')}: it is frozen before the file system of the image, and thawed after it`,
      ),
    ),
    ...(programs.includes('auditd') ? [checkAuditd(auditBacklog)] : []),
  ];
  return found.length === 0
    ? [ok('daemons', 'no running daemon is known to block freezes')]
    : found;
}

function checkAuditd(backlog: number | undefined): Check {
  if (backlog !== undefined && backlog >= ENOUGH_BACKLOG) {
    return ok('auditd', `auditd has a backlog of ${backlog} messages, which covers the window`);
  }
  const size = backlog === undefined ? 'of unknown size' : `of ${backlog} messages`;
  return warning(
    'auditd',
    `auditd writes to a log on a frozen file system: if its backlog (${size}) is full, programs block`,
    `set a large backlog, which covers the window (auditctl -b ${ENOUGH_BACKLOG})`,
  );
}
