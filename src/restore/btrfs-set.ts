import type { BtrfsDevice, Head } from './head-types.ts';
import type { DiskProblem } from './volumes.ts';

/** A device of a btrfs, and the disk of the restore point that holds its first byte. */
export interface FoundDevice {
  readonly disk: number;
  readonly head: Head;
  readonly device: BtrfsDevice;
}

export interface BtrfsSets {
  readonly problems: readonly DiskProblem[];
  /** Heads of file systems of which a device is missing, but may lie in something that was not looked into. */
  readonly unproved: ReadonlySet<Head>;
}

/** The devices of every btrfs among the heads of a restore point. Pure. */
export function btrfsDevices(
  disks: readonly { readonly position: number; readonly heads: readonly Head[] }[],
): FoundDevice[] {
  return disks.flatMap(({ position, heads }) =>
    heads.flatMap((head) =>
      head.btrfs === undefined ? [] : [{ disk: position, head, device: head.btrfs }],
    ),
  );
}

/**
 * Compares the devices of each btrfs: a mount needs all of them, with the generation of one transaction. Pure.
 *
 * @param mayHide a device may lie in something that was not looked into
 */
export function judgeBtrfsSets(found: readonly FoundDevice[], mayHide: boolean): BtrfsSets {
  const seeds = new Set(found.filter(({ device }) => device.isSeed).map(nameOf));
  const problems: DiskProblem[] = [];
  const unproved = new Set<Head>();
  for (const [fsid, devices] of Map.groupBy(found, ({ device }) => device.fsid)) {
    problems.push(...olderDevices(fsid, devices));
    const missing = missingDevices(fsid, devices, seeds.size);
    if (missing !== undefined && mayHide) {
      for (const { head } of devices) {
        unproved.add(head);
      }
    } else if (missing !== undefined) {
      problems.push(missing);
    }
  }
  return { problems, unproved };
}

function nameOf({ device }: FoundDevice): string {
  return `${device.fsid} ${device.deviceId}`;
}

function olderDevices(fsid: string, devices: readonly FoundDevice[]): DiskProblem[] {
  const judged = devices.filter(({ head }) => head.state !== 'damaged');
  const [newest] = judged.toSorted((a, b) => Number(b.device.generation - a.device.generation));
  return judged.flatMap(({ disk, head, device }) =>
    newest === undefined || device.generation === newest.device.generation
      ? []
      : [
          {
            disks: [disk],
            text: `${head.where}: device ${device.deviceId} of the btrfs ${fsid} with generation ${device.generation}, device ${newest.device.deviceId} on disk ${newest.disk} has ${newest.device.generation}: it had fallen out of the file system, or the disks do not show one instant`,
          },
        ],
  );
}

/** The devices of a seed have another identifier, and count for the file systems that grow out of it. */
function missingDevices(
  fsid: string,
  devices: readonly FoundDevice[],
  seeds: number,
): DiskProblem | undefined {
  const present = new Set(devices.map(nameOf)).size;
  const wanted = Math.max(
    0,
    ...devices.flatMap(({ head, device }) => (head.state === 'damaged' ? [] : device.deviceCount)),
  );
  const others = devices.some(({ device }) => device.isSeed) ? 0 : seeds;
  return present + others >= wanted
    ? undefined
    : {
        disks: [...new Set(devices.map(({ disk }) => disk))],
        text: `btrfs ${fsid}: ${wanted - present - others} of its ${wanted} devices on no disk that was read`,
      };
}
