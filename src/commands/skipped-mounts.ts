import { readMounts } from '../filesystems/read-plan.ts';
import { normalizeMountPoint } from '../filesystems/selection.ts';

/**
 * A sentence for each `--skip` that leaves nothing out: misspelt, it would freeze what somebody feared for. No
 * error, because a mount point that is always named may be missing today.
 */
export async function warningsOfSkips(skip: readonly string[] = []): Promise<string[]> {
  if (skip.length === 0) {
    return [];
  }
  const { mounts } = await readMounts();
  const mountPoints = new Set(mounts.map(({ mountPoint }) => mountPoint));
  return skip
    .filter((path) => !mountPoints.has(normalizeMountPoint(path)))
    .map(
      (path) =>
        `--skip ${path}: nothing is mounted there, so it leaves nothing out; expected a mount point as \`flashfreeze plan\` shows it`,
    );
}
