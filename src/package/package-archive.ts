import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkThatItLoads } from './load-check.ts';
import type { Architecture } from './options.ts';
import { makeOut, replaceFile } from './output.ts';
import type { PayloadFile } from './payload-file.ts';
import { programPayload } from './program-payload.ts';
import { WORK } from './repository.ts';
import { tarGz } from './tar.ts';

export interface ArchiveOptions {
  /** Three or four numbers. */
  readonly version: string;
  readonly architecture: Architecture;
  /** Folder for the archive and its checksum. */
  readonly out: string;
}

export interface MadeFile {
  readonly path: string;
  readonly bytes: number;
  /** False if this machine cannot run the payload. */
  readonly isChecked: boolean;
}

/** The payload of a command for one machine: that of the extension without the guest agent's manifests. */
export async function commandPayload({
  version,
  architecture,
}: Omit<ArchiveOptions, 'out'>): Promise<PayloadFile[]> {
  const files = await programPayload(architecture, { name: 'flashfreeze', version }, version);
  if (architecture === process.arch) {
    await checkThatItLoads(files);
  }
  return files;
}

/**
 * Makes `<out>/flashfreeze-<version>-linux-<arch>.tar.gz` with one folder of that name in it, and its checksum beside
 * it, as sha256sum(1) reads it. The same checkout, built with the same compiler, gives the same bytes.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED; FF_USAGE if the output folder cannot be made
 */
export async function packageArchive(options: ArchiveOptions): Promise<MadeFile> {
  await mkdir(WORK, { recursive: true });
  await makeOut(options.out);
  const files = await commandPayload(options);
  const folder = `flashfreeze-${options.version}-linux-${options.architecture}`;
  const path = join(options.out, `${folder}.tar.gz`);
  const archive = await tarGz(folder, files);
  await writeWithChecksum(path, archive);
  return { path, bytes: archive.length, isChecked: options.architecture === process.arch };
}

/** Puts a file that a packer has made to its place, with its checksum. */
export async function writeBeside(
  { out, architecture }: ArchiveOptions,
  name: string,
  built: string,
): Promise<MadeFile> {
  const content = await readFile(built);
  const path = join(out, name);
  await writeWithChecksum(path, content);
  return { path, bytes: content.length, isChecked: architecture === process.arch };
}

/** The checksum comes last: where it stands, the file it is of is whole. */
export async function writeWithChecksum(path: string, content: Uint8Array): Promise<void> {
  const digest = createHash('sha256').update(content).digest('hex');
  await replaceFile(path, content);
  await replaceFile(`${path}.sha256`, `${digest}  ${basename(path)}\n`);
}
