import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOut } from './output.ts';
import { type ArchiveOptions, type MadeFile, writeBeside } from './package-archive.ts';
import type { PayloadFile } from './payload-file.ts';
import { WORK } from './repository.ts';
import {
  type PackageManager,
  type ProgramTexts,
  type SystemTree,
  systemTree,
} from './system-tree.ts';

/** How a package manager's packer makes a package. */
export interface PackageFormat {
  readonly manager: PackageManager;
  /** Of the package's file. */
  nameOf(options: ArchiveOptions): string;
  /** Makes that file in the folder `work`, which is empty. */
  build(work: string, tree: SystemTree, options: ArchiveOptions): Promise<void>;
}

/**
 * Makes a package of the payload, and its checksum, in the output folder. The same checkout, built with the same compiler,
 * gives the same bytes.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED; FF_USAGE if the output folder cannot be made
 */
export async function makePackage(
  format: PackageFormat,
  payload: readonly PayloadFile[],
  options: ArchiveOptions,
  texts: ProgramTexts,
): Promise<MadeFile> {
  await makeOut(options.out);
  await mkdir(WORK, { recursive: true });
  const name = format.nameOf(options);
  const work = await mkdtemp(join(WORK, `${format.manager}-`));
  try {
    await format.build(work, systemTree(payload, format.manager, texts), options);
    return await writeBeside(options, name, join(work, name));
  } finally {
    await rm(work, { recursive: true });
  }
}
