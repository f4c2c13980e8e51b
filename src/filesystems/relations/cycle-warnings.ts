import type { DeviceNumber } from '../../system/device-number.ts';
import type { FileSystem } from '../plan-types.ts';
import { NeedGraph } from './need-graph.ts';
import type { Relation, Via } from './relation-types.ts';

/**
 * Names every cycle of relations: file systems that need each other, or one that needs itself. No
 * order of freezing is safe for them, so people must know through which process that is.
 */
export function cycleWarnings(
  fileSystems: readonly Pick<FileSystem, 'device' | 'mountPoint'>[],
  relations: readonly Relation[],
): string[] {
  const graph = new NeedGraph(relations);
  const told = new Set<DeviceNumber>();
  const warnings: string[] = [];
  for (const { device } of fileSystems) {
    if (told.has(device) || !graph.needsOf(device).has(device)) {
      continue;
    }
    const members = fileSystems.filter((other) => graph.isMutual(device, other.device));
    for (const member of members) {
      told.add(member.device);
    }
    const within = relations.filter(
      ({ dependent, on }) => graph.isMutual(device, dependent) && graph.isMutual(device, on),
    );
    warnings.push(
      warningOf(
        members.map(({ mountPoint }) => mountPoint),
        within.map(({ via }) => via),
      ),
    );
  }
  return warnings;
}

function warningOf(mountPoints: readonly string[], vias: readonly Via[]): string {
  const through = [...new Set(vias.map(describeVia))].join(', ');
  return mountPoints.length === 1
    ? `${mountPoints[0]} cannot be written to without itself, through ${through}: its freeze may have to be broken`
    : `${mountPoints.join(' and ')} need each other, through ${through}: they are frozen one after the other, and the freeze may have to be broken`;
}

/** `permission daemon clamonacc (pid 812)` */
export function describeVia(via: Via): string {
  switch (via.kind) {
    case 'loop':
      return `an image (${via.device})`;
    case 'overlay':
      return 'an overlay';
    case 'fuse':
      return `FUSE daemon ${via.command} (pid ${via.pid})`;
    case 'fanotify':
      return `permission daemon ${via.command} (pid ${via.pid})`;
  }
}
