import { realpathSync } from 'node:fs';
import { tryCommand } from '../../../src/lab/run-command.ts';
import { type ImageState, inspect } from '../../proof/image-check.ts';
import type { MountMode } from '../../proof/snapshot-mount.ts';
import type { MachineFileSystem } from '../machine.ts';

/** Looks at a file system of the machine without mounting it; `device` in place of its own if it lies in an image. */
export async function inspectFileSystem(
  { type, others = [], log, realtime }: MachineFileSystem,
  path: string,
): Promise<ImageState> {
  // btrfs is checked while nothing but its devices can be seen, so not by a link.
  const device = realpathSync(path);
  switch (type) {
    case 'ext2':
    case 'ext3':
    case 'ext4':
      return await inspect('ext4', [device]);
    case 'xfs':
      return await inspect('xfs', [device], { log, realtime });
    case 'btrfs':
      return await inspect('btrfs', [device, ...others]);
    case 'f2fs':
      return await judged('fsck.f2fs', ['--dry-run', device]);
    case 'nilfs2':
      // It has no checker: it must mount without recovery.
      return { kind: 'clean' };
  }
}

async function judged(program: string, args: readonly string[]): Promise<ImageState> {
  const { code, stdout, stderr } = await tryCommand(program, args);
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-4).join(' | ');
  return code === 0
    ? { kind: 'clean' }
    : { kind: 'damaged', reason: `${program} ended with ${code}: ${said}` };
}

const AS_IT_IS: Readonly<Record<MachineFileSystem['type'], string>> = {
  ext2: 'ro',
  ext3: 'ro,noload',
  ext4: 'ro,noload',
  xfs: 'ro,norecovery',
  btrfs: 'ro,rescue=nologreplay',
  f2fs: 'ro,norecovery',
  nilfs2: 'ro,norecovery',
};

/** `as-it-is`: without any recovery; `recovered`: as after a crash. */
export function mountOptions(
  { type, log, realtime, options }: MachineFileSystem,
  mode: MountMode,
): string {
  return [
    mode === 'as-it-is' ? AS_IT_IS[type] : 'rw',
    ...(log === undefined ? [] : [`logdev=${log}`]),
    ...(realtime === undefined ? [] : [`rtdev=${realtime}`]),
    ...(options === undefined ? [] : [options]),
  ].join(',');
}
