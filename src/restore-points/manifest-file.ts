import type { Manifest } from './restore-point.ts';

/** Folder of the manifests in a container; below it each host has its own. */
export const MANIFEST_PREFIX = 'flashfreeze/';
export const MOST_MANIFEST_BYTES = 1024 * 1024;
const MOST_PROBLEMS = 20;
const MOST_CHARACTERS = 1_000;
const MOST_MOUNT_POINTS = 16;

/** The name of a manifest's blob: by host, and the newest last. Pure. */
export function manifestName({
  host,
  id,
  barrier,
  startedAt,
}: Pick<Manifest, 'host' | 'id' | 'barrier' | 'startedAt'>): string {
  const stamp = (barrier ?? startedAt).replaceAll(/[-:]|\.\d+/g, '');
  return `${MANIFEST_PREFIX}${inName(host)}/${stamp}-${inName(id)}.json`;
}

function inName(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '-').slice(0, 100);
}

/**
 * The text of a manifest, at most 1 MiB: lists that are too long are cut, and a sentence among the problems or a last item
 * says how much is missing. Pure.
 */
export function manifestText(manifest: Manifest): string {
  const whole = {
    ...manifest,
    problems: manifest.problems.slice(0, MOST_PROBLEMS).map((it) => it.slice(0, MOST_CHARACTERS)),
    fileSystems: manifest.fileSystems.map((it) => ({
      ...it,
      mountPoints: cutList(it.mountPoints, MOST_MOUNT_POINTS),
    })),
  };
  let text = JSON.stringify(whole);
  for (let count = whole.fileSystems.length; isTooLong(text) && count > 0; ) {
    count = Math.floor(count / 2);
    text = JSON.stringify(withFileSystems(whole, count));
  }
  const disks = whole.disks.map((disk) => ({ ...disk, volumes: cutList(disk.volumes, 1) }));
  return isTooLong(text) ? JSON.stringify({ ...withFileSystems(whole, 0), disks }) : text;
}

function isTooLong(text: string): boolean {
  return Buffer.byteLength(text) > MOST_MANIFEST_BYTES;
}

function withFileSystems(manifest: Manifest, count: number): Manifest {
  const { fileSystems, problems } = manifest;
  const missing = fileSystems.length - count;
  return {
    ...manifest,
    fileSystems: fileSystems.slice(0, count),
    problems: [
      ...problems.slice(0, MOST_PROBLEMS - 1),
      `This manifest leaves out ${missing} of ${fileSystems.length} file systems, because it may have 1 MiB at most.`,
    ],
  };
}

function cutList(items: readonly string[], most: number): string[] {
  return items.length <= most
    ? [...items]
    : [...items.slice(0, most), `… and ${items.length - most} more`];
}
