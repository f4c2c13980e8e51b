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
  return `${MANIFEST_PREFIX}${inName(host)}/${stamp}${endOfName(id)}`;
}

/** Whether a blob has the name of a manifest of this restore point, whatever its host and time. Pure. */
export function isManifestOf(id: string): (name: string) => boolean {
  const end = endOfName(id);
  return (name) => name.startsWith(MANIFEST_PREFIX) && name.endsWith(end);
}

function endOfName(id: string): string {
  return `-${inName(id)}.json`;
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

/** Whether a manifest was cut so that it does not name every file system. Pure. */
export function leavesOutFileSystems({ problems }: Pick<Manifest, 'problems'>): boolean {
  return problems.some((it) => LEAVES_OUT.test(it));
}

function isTooLong(text: string): boolean {
  return Buffer.byteLength(text) > MOST_MANIFEST_BYTES;
}

/** The format has no field for it, and readers of earlier versions refuse fields that they do not know: `LEAVES_OUT` finds it. */
function leftOutSentence(missing: number, all: number): string {
  return `This manifest leaves out ${missing} of ${all} file systems, because it may have 1 MiB at most.`;
}

const LEAVES_OUT = /^This manifest leaves out \d+ of \d+ file systems, /;

function withFileSystems(manifest: Manifest, count: number): Manifest {
  const { fileSystems, problems } = manifest;
  const missing = fileSystems.length - count;
  return {
    ...manifest,
    fileSystems: fileSystems.slice(0, count),
    problems: [
      ...problems.slice(0, MOST_PROBLEMS - 1),
      ...(missing === 0 ? [] : [leftOutSentence(missing, fileSystems.length)]),
    ],
  };
}

function cutList(items: readonly string[], most: number): string[] {
  return items.length <= most
    ? [...items]
    : [...items.slice(0, most), `… and ${items.length - most} more`];
}
