import type { Command } from 'commander';
import { forceThaw, type Thawed } from '../backup/journal/force-thaw.ts';
import type { JournaledFileSystem } from '../backup/journal/journal.ts';
import { cleanUpAfterDeadRuns, type LeftFrozen, leftFrozen } from '../backup/journal/recover.ts';
import { FlashfreezeError } from '../errors.ts';
import { natureOfType } from '../filesystems/file-system-types.ts';
import { MountTree } from '../filesystems/mount-tree.ts';
import { readMounts } from '../filesystems/read-plan.ts';
import { superblocksOf } from '../filesystems/superblocks.ts';
import { printable } from '../log/printable.ts';
import { redact } from '../log/redaction.ts';
import { requireRoot } from './require-root.ts';

export function addThawCommand(program: Command): void {
  program
    .command('thaw')
    .description('Emergency exit: thaw file systems, regardless of which tool froze them')
    .argument('[mount...]', 'mount points to thaw')
    .option(
      '--all',
      'thaw every mounted file system that can be frozen (default: only the given mount points)',
    )
    .action(async (mountPoints: readonly string[], options: { readonly all?: boolean }) => {
      process.exitCode = await thaw(mountPoints, options.all ?? false);
    });
}

/**
 * Thaws, and prints for each file system whether it had been frozen. Writes only to the terminal, so
 * that it works while `/` is frozen.
 *
 * @returns the exit code: 0 if everything that was asked for is thawed
 */
async function thaw(mountPoints: readonly string[], all: boolean): Promise<number> {
  if (all === mountPoints.length > 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      'thaw: give either mount points or --all, e.g. flashfreeze thaw /data',
    );
  }
  requireRoot();
  const results = await forceThaw(
    all ? await freezableFileSystems() : mountPoints.map((mountPoint) => ({ mountPoint })),
  );
  for (const result of results) {
    tell(result);
  }
  if (results.some(({ state }) => state === 'thawed')) {
    process.stdout.write(
      'If another backup tool had frozen these file systems, its snapshot is no longer consistent.\n',
    );
  }
  const left = await unmountedLeft();
  for (const it of left) {
    process.stderr.write(`flashfreeze: ${printable(sentenceForUnmounted(it))} (FF_THAW_FAILED)\n`);
  }
  await cleanUpAfterDeadRuns((sentence) =>
    process.stderr.write(`${printable(redact(sentence))}\n`),
  );
  const isAllDone = results.every(({ state }) => state === 'thawed' || state === 'not-frozen');
  return isAllDone && (!all || left.length === 0) ? 0 : 1;
}

/** The file systems that a dead run left frozen and that are not mounted any more. */
async function unmountedLeft(): Promise<LeftFrozen[]> {
  return (await leftFrozen()).filter(({ isMounted }) => !isMounted);
}

function sentenceForUnmounted({ mountPoint, device }: LeftFrozen): string {
  return `device ${device} (formerly mounted on ${mountPoint}): a run that died left it frozen, and it is not mounted; mount it and run flashfreeze thaw --all again before anything writes to it`;
}

/** Each superblock once, by a mount point that leads to it if there is one. */
async function freezableFileSystems(): Promise<JournaledFileSystem[]> {
  const { mounts } = await readMounts();
  return superblocksOf(mounts, new MountTree(mounts))
    .filter(({ mounts: [{ type }] }) => natureOfType(type) === 'freezable')
    .map(({ device, mounts: [first], visible }) => {
      const { mountPoint } = visible[0] ?? first;
      return { device, mountPoint };
    });
}

/** What is thawed is a result, on standard output; what is not is a failure, on standard error with a code. */
function tell({ mountPoint, state, reason }: Thawed): void {
  const name = printable(mountPoint);
  switch (state) {
    case 'thawed':
      process.stdout.write(`${name}: was frozen, is now thawed\n`);
      return;
    case 'not-frozen':
      process.stdout.write(`${name}: was not frozen\n`);
      return;
    case 'gone':
      process.stderr.write(
        `flashfreeze: ${name}: cannot be opened as a mount point (${reason ?? 'another file system'}): name a mount point as /proc/self/mountinfo has it (FF_MOUNT_NOT_FOUND)\n`,
      );
      return;
    case 'failed':
      process.stderr.write(
        `flashfreeze: ${name}: could not be thawed (${reason}): end the processes that it waits for, then try again (FF_THAW_FAILED)\n`,
      );
  }
}
