import type { Frozen } from '../stages.ts';
import { disksOf, type QemuMachine } from './machine.ts';

/**
 * A kernel names disks as it finds them, so anew in every boot: what a machine said, with the names that the table of
 * machines gives to its disks. Both paths to a disk become that disk. Pure.
 */
export function withDiskNames<Said extends Partial<Frozen>>(
  said: Said,
  names: Readonly<Record<string, string>>,
): Said {
  // The longest first: sdaa is no sda.
  const known = Object.keys(names).sort((a, b) => b.length - a.length);
  if (known.length === 0) {
    return said;
  }
  const pattern = new RegExp(
    `(?<![A-Za-z0-9])(${known.join('|')})(?:p?(\\d+))?(?![A-Za-z0-9])`,
    'g',
  );
  const named = (_: string, disk: string, partition: string | undefined): string =>
    `${names[disk]}${partition === undefined ? '' : `-part${partition}`}`;
  return JSON.parse(JSON.stringify(said).replaceAll(pattern, named));
}

/** Of `flashfreeze plan --json`. */
export interface SeenDisks {
  readonly disks: readonly {
    readonly device: string;
    readonly role: string | null;
    readonly lun: number | null;
  }[];
}

/** One line for each disk that the plan shows with another role or LUN than it has. Pure. */
export function compareDisks({ disks }: SeenDisks, machine: QemuMachine): string[] {
  return disksOf(machine).flatMap(({ name, shown }) => {
    if (shown === undefined) {
      return [];
    }
    const seen = disks.find(({ device }) => device === `/dev/${name}`);
    if (seen === undefined) {
      return shown.role === 'temporary' ? [] : [`disk ${name} is not in the plan`];
    }
    const said = `${seen.role} LUN ${seen.lun}`;
    const wanted = `${shown.role} LUN ${shown.lun}`;
    return said === wanted ? [] : [`disk ${name}: ${said} in the plan, expected ${wanted}`];
  });
}

/**
 * Names of disks by the kernel's, from the property LAB_DISK in the database of udev, `/run/udev/data`. Pure.
 *
 * @param database text by the file's name, `b8:16`
 * @param disks kernel names of whole disks by their device numbers
 */
export function readDiskNames(
  database: ReadonlyMap<string, string>,
  disks: ReadonlyMap<string, string>,
): Record<string, string> {
  const named = [...disks].flatMap(([number, disk]) => {
    const name = /^E:LAB_DISK=(.*)$/m.exec(database.get(`b${number}`) ?? '')?.[1];
    return name === undefined ? [] : [[disk, name] as const];
  });
  return Object.fromEntries(named);
}
