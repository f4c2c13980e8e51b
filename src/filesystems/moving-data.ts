import { type BlockDeviceName, type BlockTopology, leafNamesUnder } from './block-topology.ts';
import { compareText } from './superblocks.ts';
import type { SystemView } from './system-view.ts';

/** What moves data below file systems, so that a freeze does not stop it. */
export type MoveKind = 'resync' | 'recover' | 'reshape' | 'repair' | 'pvmove' | 'merge';

export interface DataMove {
  /** For people: `md1`, `vg-pvmove0`. */
  readonly device: string;
  readonly kind: MoveKind;
  /** Kernel names of the disks that it writes to, sorted. */
  readonly disks: readonly string[];
}

/** Of `md/sync_action`; a check only reads. */
const ACTIONS: readonly MoveKind[] = ['resync', 'recover', 'reshape', 'repair'];

/**
 * What moves data now, as far as sysfs shows. It does not show a resync of an LVM RAID volume, nor what a cache
 * writes back.
 */
export function readMoves(system: SystemView, topology: BlockTopology): DataMove[] {
  return [...topology.devices.values()]
    .flatMap(({ name, number }) => {
      const read = (file: string): string =>
        system.read(`/sys/dev/block/${number}/${file}`)?.trim() ?? '';
      const action = ACTIONS.find((it) => it === read('md/sync_action'));
      if (action !== undefined) {
        return [moveOf(name, name, action, topology)];
      }
      const volume = name.startsWith('dm-') ? read('dm/name') : '';
      const kind = volume === '' ? undefined : kindOfVolume(volume, name, system, topology);
      return kind === undefined ? [] : [moveOf(name, volume, kind, topology)];
    })
    .sort((a, b) => compareText(a.device, b.device));
}

function moveOf(
  name: BlockDeviceName,
  device: string,
  kind: MoveKind,
  topology: BlockTopology,
): DataMove {
  return { device, kind, disks: leafNamesUnder(topology, [name]) };
}

/**
 * The origin of a snapshot lies on its own data (`<uuid>-real`) alone, until the snapshot is merged back: then on the
 * snapshot's changes (`-cow`), too.
 */
function kindOfVolume(
  volume: string,
  name: BlockDeviceName,
  system: SystemView,
  { devices }: BlockTopology,
): MoveKind | undefined {
  if (/-pvmove\d+$/.test(volume)) {
    return 'pvmove';
  }
  const uuidOf = (device: BlockDeviceName): string =>
    system.read(`/sys/dev/block/${devices.get(device)?.number}/dm/uuid`)?.trim() ?? '';
  const under = devices.get(name)?.under;
  const below = under?.kind === 'all-of' ? under.names.map(uuidOf) : [];
  const isMerging =
    below.includes(`${uuidOf(name)}-real`) && below.some((uuid) => uuid.endsWith('-cow'));
  return isMerging ? 'merge' : undefined;
}

const NAMES: Readonly<Record<MoveKind, string>> = {
  resync: 'an md resync',
  recover: 'an md recovery',
  reshape: 'an md reshape',
  repair: 'an md repair',
  pvmove: 'pvmove',
  merge: 'the merge of an LVM snapshot',
};

/** A sentence for people, without a full stop. */
export function describeMove({ device, kind, disks }: DataMove): string {
  return `${NAMES[kind]} runs on ${device} and moves data below the file systems, which no freeze stops: until its end the snapshots of ${disks.join(', ')} may not show the common instant`;
}

/** What to do so that it is out of the way, for people. */
export function remedyForMove({ device, kind }: DataMove): string {
  switch (kind) {
    case 'pvmove':
    case 'merge':
      return 'wait for its end (lvs --all shows how far it is)';
    default:
      return `wait for its end (cat /proc/mdstat), or pause it: echo frozen >/sys/block/${device}/md/sync_action, and afterwards echo idle`;
  }
}
