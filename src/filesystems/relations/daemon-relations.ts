import type { DeviceNumber } from '../../system/device-number.ts';
import type { Mount } from '../../system/mountinfo.ts';
import { natureOfType } from '../file-system-types.ts';
import type { Daemon, Relation } from './relation-types.ts';

/**
 * Relations that come from processes: a process that waits for a daemon waits for every file system the
 * daemon may be writing to. Descriptors that are open for writing are the evidence; a working or root
 * directory is none, because nearly every daemon's is on `/`.
 *
 * A `/dev/fuse` descriptor whose connection the kernel does not show (older ones show none) is taken
 * for every FUSE mount's: too many relations of FUSE mounts cost one more wave at most, and only if
 * an image lies on such a mount.
 */
export function daemonRelations(daemons: readonly Daemon[], mounts: readonly Mount[]): Relation[] {
  const served = new Set(
    mounts.filter(({ type }) => natureOfType(type) === 'served').map(({ device }) => device),
  );
  // A kernel that shows one shows all: then a descriptor without a number serves nothing yet.
  const areNumbered = daemons.some(({ connections }) => connections.some((known) => known));
  return daemons.flatMap((daemon) => {
    const { pid, command, writesTo } = daemon;
    const unnumbered = areNumbered ? [] : [...served];
    const serves = daemon.connections.flatMap((device) => device ?? unnumbered);
    const watches = daemon.permissionGroups.flatMap((group) => group.watches);
    return [
      ...pairs(serves, writesTo).map((pair) => ({
        ...pair,
        via: { kind: 'fuse' as const, pid, command },
      })),
      ...pairs(watches, writesTo).map((pair) => ({
        ...pair,
        via: { kind: 'fanotify' as const, pid, command },
      })),
    ];
  });
}

function pairs(
  dependents: readonly DeviceNumber[],
  needed: readonly DeviceNumber[],
): Pick<Relation, 'dependent' | 'on'>[] {
  return [...new Set(dependents)].flatMap((dependent) => needed.map((on) => ({ dependent, on })));
}
