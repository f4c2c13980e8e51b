import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Of debugfs; root alone may look, and not every machine mounts it. */
const BACKING_DEVICES = '/sys/kernel/debug/bdi';
const MEMINFO = '/proc/meminfo';

/** What is written and not yet on its disk. Undefined if this machine does not show it. */
export interface DirtyData {
  /** Of the whole machine. */
  readonly totalBytes: number | undefined;
  /** For each device number asked for. */
  readonly devicesBytes: readonly (number | undefined)[];
}

/** @param devices `major:minor` of whole disks, or of the superblock for a btrfs */
export async function readDirtyData(
  devices: readonly string[],
  roots = { backingDevices: BACKING_DEVICES, meminfo: MEMINFO },
): Promise<DirtyData> {
  const read = async (path: string): Promise<string> =>
    await readFile(path, 'utf8').catch(() => '');
  return {
    totalBytes: dirtyInMeminfo(await read(roots.meminfo)),
    devicesBytes: await Promise.all(
      devices.map(async (device) =>
        dirtyInStats(await read(join(roots.backingDevices, device, 'stats'))),
      ),
    ),
  };
}

/** Pages not written yet and pages being written (proc(5), /proc/meminfo). */
export function dirtyInMeminfo(text: string): number | undefined {
  return sumOf(text, ['Dirty', 'Writeback']);
}

/** Dirty data of one backing device (mm/backing-dev.c, bdi_debug_stats_show). */
export function dirtyInStats(text: string): number | undefined {
  return sumOf(text, ['BdiReclaimable', 'BdiWriteback']);
}

function sumOf(text: string, names: readonly string[]): number | undefined {
  const kibibytes = names.map((name) => new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1]);
  return kibibytes.includes(undefined)
    ? undefined
    : kibibytes.reduce((sum, digits) => sum + Number(digits) * 1024, 0);
}
