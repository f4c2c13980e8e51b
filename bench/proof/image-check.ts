import type { LabFileSystemType } from '../../src/lab/disks.ts';
import { untilDetached } from '../../src/lab/loop-devices.ts';
import { type CommandResult, tryCommand } from '../../src/lab/run-command.ts';
import { hasTreeLog } from './btrfs-identity.ts';
import { AttachedImages, MountedSnapshot } from './snapshot-mount.ts';

/**
 * How the snapshot of a file system lies on its disks. A frozen one needs no recovery: it was
 * written out before the snapshot was taken.
 */
export type ImageState =
  | { readonly kind: 'clean' }
  | { readonly kind: 'needs-recovery'; readonly reason: string }
  | { readonly kind: 'damaged'; readonly reason: string };

const CLEAN: ImageState = { kind: 'clean' };

/** Devices of an xfs besides the one that is mounted. */
export interface XfsParts {
  readonly log?: string | undefined;
  readonly realtime?: string | undefined;
}

/** Looks at one file system on its (read-only) devices without mounting it. */
export function inspect(
  type: LabFileSystemType,
  devices: readonly string[],
  xfsParts: XfsParts = {},
): Promise<ImageState> {
  const [device = ''] = devices;
  switch (type) {
    case 'ext3':
    case 'ext4':
      return inspectExt(device);
    case 'xfs':
      return inspectXfs(device, xfsParts);
    case 'btrfs':
      return inspectBtrfs(devices);
  }
}

/** FIFREEZE empties the journal and takes the flag away that asks for its recovery. */
async function inspectExt(device: string): Promise<ImageState> {
  const header = await tryCommand('dumpe2fs', ['-h', device]);
  const features = /^Filesystem features:.*$/m.exec(header.stdout)?.[0] ?? '';
  const state = /^Filesystem state:\s*(.*)$/m.exec(header.stdout)?.[1];
  if (header.code !== 0 || state === undefined) {
    return damaged('dumpe2fs -h', header);
  }
  if (features.includes('needs_recovery')) {
    return { kind: 'needs-recovery', reason: 'the journal is not empty (needs_recovery)' };
  }
  if (state !== 'clean') {
    return { kind: 'damaged', reason: `the superblock says "${state}"` };
  }
  const check = await tryCommand('e2fsck', ['-f', '-n', device]);
  return check.code === 0 ? CLEAN : damaged('e2fsck -fn', check);
}

/**
 * FIFREEZE writes everything out and then covers the log: what remains in it are copies of the
 * superblock, put there so that a crash while frozen runs the recovery that frees deleted inodes.
 * So xfs_repair -n still warns of a log, and of summary counters, which recovery counts anew.
 */
async function inspectXfs(device: string, parts: XfsParts): Promise<ImageState> {
  const logArguments = parts.log === undefined ? [] : ['-l', parts.log];
  const log = await tryCommand('xfs_logprint', ['-t', ...logArguments, device]);
  if (log.code !== 0) {
    return damaged('xfs_logprint -t', log);
  }
  const items = countMatches(log.stdout, /^(?!TRANS)[A-Z]+:/gm);
  if (items > countMatches(log.stdout, /^\s*SUPER Block Buffer/gm)) {
    return { kind: 'needs-recovery', reason: `the log holds ${items} changes to replay` };
  }
  const realtime = parts.realtime === undefined ? [] : ['-r', parts.realtime];
  const all = [...logArguments, ...realtime, device];
  return repairFindsNothing(all, /^(ALERT: |ignored because|which may be|sb_\w+ \d+, counted)/);
}

/** The only devices that what follows can see are those given. Prints what the last command prints. */
const ALONE_WITH_DEVICES = `
mount -t tmpfs devices /media && cp -a /dev/null "$@" /media && mount --move /media /dev &&
exec btrfs check --readonly "$1"`;

/**
 * btrfs-progs look for a file system's devices in the whole of /dev, and there they take the live
 * original's for the copy's own, because both name the same metadata_uuid ("super total bytes
 * smaller than real device(s) size"). So /dev has nothing else while they look.
 */
async function inspectBtrfs(devices: readonly string[]): Promise<ImageState> {
  if (await hasTreeLog(devices[0] ?? '')) {
    return { kind: 'needs-recovery', reason: 'there is a tree log to replay' };
  }
  const check = await tryCommand('unshare', [
    ...['--mount', '--propagation', 'private', '--', 'sh', '-c', ALONE_WITH_DEVICES, 'sh'],
    ...devices,
  ]);
  return check.code === 0 ? CLEAN : damaged('btrfs check --readonly', check);
}

/**
 * For xfs, on the copy, once its content has been read: replays the superblocks in the log, after
 * which xfs_repair -n must say nothing at all.
 */
export async function inspectRecoveredXfs(image: string, directory: string): Promise<ImageState> {
  let device = '';
  {
    await using attached = await AttachedImages.attach([image], 'recovered');
    [device = ''] = attached.devices;
    await using _ = await MountedSnapshot.mount('xfs', attached.devices, 'recovered', directory);
  }
  // The device goes when the file system has written its end; another one has none of its pages in memory.
  await untilDetached({ device, imagePath: image });
  await using attached = await AttachedImages.attach([image], 'as-it-is');
  return await repairFindsNothing(attached.devices, /^$/);
}

/** What xfs_repair -n prints if all is well. */
const REPAIR_PROGRESS = /^(Phase \d|\s+- |No modify flag set|\s*$)/;

async function repairFindsNothing(
  devices: readonly string[],
  accepted: RegExp,
): Promise<ImageState> {
  const check = await tryCommand('xfs_repair', ['-n', ...devices]);
  const lines = `${check.stdout}\n${check.stderr}`.split('\n');
  const findings = lines.filter((line) => !REPAIR_PROGRESS.test(line) && !accepted.test(line));
  // Its exit code is 1 for an accepted line, too.
  if (check.code <= 1 && findings.length === 0) {
    return CLEAN;
  }
  return damaged('xfs_repair -n', { ...check, stdout: findings.join('\n'), stderr: '' });
}

function countMatches(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

function damaged(program: string, { code, stdout, stderr }: CommandResult): ImageState {
  const said = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const errors = said.filter((line) => /error|bad|corrupt|mismatch/i.test(line));
  const shown = (errors.length > 0 ? errors : said).slice(0, 4).join(' | ');
  return { kind: 'damaged', reason: `${program} ended with ${code}: ${shown}` };
}
