import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { zip } from './archive.ts';
import { deployTemplates } from './deploy-templates.ts';
import { checkThatItLoads } from './load-check.ts';
import { handlerManifest, imageManifest } from './manifest.ts';
import { handlerName, type PackageOptions } from './options.ts';
import { makeOut, replaceFile } from './output.ts';
import type { MadeFile } from './package-archive.ts';
import { type PayloadFile, textFile } from './payload-file.ts';
import { programPayload } from './program-payload.ts';
import { WORK } from './repository.ts';

/** The agent downloads it to every machine at every update. */
const SIZE_LIMIT_BYTES = 50 * 2 ** 20;

/**
 * Makes `<out>/<Publisher.Type>-<version>.zip`, `<out>/manifest.xml`, and templates that install this package in
 * `<out>/deploy`. The same checkout, built with the same compiler, gives the same bytes.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED; FF_USAGE if the output folder cannot be made
 */
export async function packageExtension(options: PackageOptions): Promise<MadeFile> {
  await mkdir(WORK, { recursive: true });
  await makeOut(options.out);
  const templates = await deployTemplates(options);
  const files = await payload(options);
  const isChecked = options.architecture === process.arch;
  if (isChecked) {
    await checkThatItLoads(files);
  }
  const archive = await zip(files);
  if (archive.length > SIZE_LIMIT_BYTES) {
    throw new FlashfreezeError(
      'FF_PACKAGE_FAILED',
      `the zip has ${archive.length} bytes, ${archive.length - SIZE_LIMIT_BYTES} more than the limit`,
    );
  }
  const path = join(options.out, `${handlerName(options)}-${options.version}.zip`);
  await replaceFile(path, archive);
  await replaceFile(join(options.out, 'manifest.xml'), imageManifest(options));
  const deploy = join(options.out, 'deploy');
  await makeOut(deploy);
  for (const { name, text } of templates) {
    await replaceFile(join(deploy, name), text);
  }
  return { path, bytes: archive.length, isChecked };
}

/** Every file that the guest gets. */
export async function payload(options: PackageOptions): Promise<PayloadFile[]> {
  const identity = { name: handlerName(options), version: options.version };
  return [
    textFile('HandlerManifest.json', handlerManifest(options)),
    textFile('manifest.xml', imageManifest(options)),
    ...(await programPayload(options.architecture, identity)),
  ];
}
