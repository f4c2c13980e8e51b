import { chmod, lutimes, mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SystemTree } from './system-tree.ts';
import { layOut } from './tar.ts';

/** 1980-01-01, as in the archives. */
const EPOCH_S = 315_532_800;

/** The environment in which packers give the same bytes each time (reproducible-builds.org, SOURCE_DATE_EPOCH). */
export const REPRODUCIBLE: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  LC_ALL: 'C',
  TZ: 'UTC',
  SOURCE_DATE_EPOCH: String(EPOCH_S),
};

/** Writes what a package puts on a machine below a folder, with one time for all. */
export async function layOutTree(root: string, { files, links }: SystemTree): Promise<void> {
  await layOut(root, files);
  for (const { path, target } of links) {
    const folder = dirname(join(root, path));
    const first = await mkdir(folder, { recursive: true });
    // Not by the mode of mkdir, from which the umask takes bits away.
    for (let each = folder; first !== undefined && each.length >= first.length; ) {
      await chmod(each, 0o755);
      each = dirname(each);
    }
    await symlink(target, join(root, path));
  }
  const paths = await readdir(root, { recursive: true });
  for (const path of paths.map((it) => join(root, it))) {
    await lutimes(path, EPOCH_S, EPOCH_S);
  }
}
