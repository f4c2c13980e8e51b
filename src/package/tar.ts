import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PayloadFile } from './payload-file.ts';
import { WORK } from './repository.ts';
import { runTool } from './tools.ts';

/** 1980-01-01, as in the zip: GNU tar warns of 1970 when it unpacks. */
const TIME = '@315532800';
const SAME_FOR_ALL = [
  ...['--format=ustar', '--sort=name', `--mtime=${TIME}`],
  ...['--owner=0', '--group=0', '--numeric-owner'],
];

/**
 * A tar.gz of one folder, with the files' modes. Equal files give equal bytes, whatever their order, the time and the
 * machine.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED
 */
export async function tarGz(folder: string, files: readonly PayloadFile[]): Promise<Buffer> {
  const work = await mkdtemp(join(WORK, 'tar-'));
  try {
    await layOut(join(work, folder), files);
    const archive = join(work, 'archive.tar');
    await runTool('tar', ['--create', '--file', archive, ...SAME_FOR_ALL, '-C', work, folder]);
    return gzipSync(await readFile(archive), { level: 9 });
  } finally {
    await rm(work, { recursive: true });
  }
}

/** Writes the files below a folder with the modes that they have when they are installed. */
export async function layOut(folder: string, files: readonly PayloadFile[]): Promise<void> {
  const folders = new Set([folder]);
  for (const { path, content, isExecutable } of files) {
    const target = join(folder, path);
    for (let each = dirname(target); each.length > folder.length; each = dirname(each)) {
      folders.add(each);
    }
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
    // Not by the mode of writeFile, from which the umask takes bits away.
    await chmod(target, isExecutable ? 0o755 : 0o644);
  }
  for (const each of folders) {
    await chmod(each, 0o755);
  }
}
