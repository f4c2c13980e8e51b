import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../errors.ts';
import { zip } from './archive.ts';
import { bundle } from './bundle.ts';
import { thirdPartyNotices } from './licenses.ts';
import { checkThatItLoads } from './load-check.ts';
import { handlerManifest, imageManifest, payloadPackageJson, SHIM } from './manifest.ts';
import { nativePrograms } from './native-programs.ts';
import { nodeRuntime } from './node-runtime.ts';
import { handlerName, type PackageOptions } from './options.ts';
import { type PayloadFile, textFile } from './payload-file.ts';
import { programFiles } from './programs.ts';
import { REPOSITORY, WORK } from './repository.ts';

/** The agent downloads it to every machine at every update. */
const SIZE_LIMIT_BYTES = 50 * 2 ** 20;

export interface Packaged {
  /** Path of the zip. */
  readonly zip: string;
  readonly bytes: number;
  /** False if this machine cannot run the payload. */
  readonly isChecked: boolean;
}

/**
 * Makes `<out>/<Publisher.Type>-<version>.zip` and `<out>/manifest.xml`. The same checkout, built with
 * the same compiler, gives the same bytes.
 *
 * @throws FlashfreezeError FF_PACKAGE_FAILED; FF_USAGE if the output folder cannot be made
 */
export async function packageExtension(options: PackageOptions): Promise<Packaged> {
  await mkdir(WORK, { recursive: true });
  await makeOut(options.out);
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
  await replace(path, archive);
  await replace(join(options.out, 'manifest.xml'), imageManifest(options));
  return { zip: path, bytes: archive.length, isChecked };
}

async function makeOut(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : String(error);
    throw new FlashfreezeError(
      'FF_USAGE',
      `cannot make --out ${folder} (${code}); expected a writable folder, or a path at which one can be made`,
    );
  }
}

/** Every file that the guest gets. */
export async function payload(options: PackageOptions): Promise<PayloadFile[]> {
  const runtime = await nodeRuntime(options.architecture);
  const natives = await nativePrograms(options.architecture, runtime);
  const [bundled, programs] = await Promise.all([
    bundle(),
    programFiles(options.architecture, runtime, natives),
  ]);
  const shim = await readFile(join(import.meta.dirname, 'flashfreeze.sh'), 'utf8');
  const license = await readFile(join(REPOSITORY, 'LICENSE'), 'utf8');
  return [
    textFile('HandlerManifest.json', handlerManifest(options)),
    textFile('manifest.xml', imageManifest(options)),
    textFile('package.json', payloadPackageJson(options)),
    textFile(SHIM, shim, true),
    textFile('LICENSE', license),
    textFile('THIRD-PARTY-NOTICES.txt', await thirdPartyNotices(bundled.packages, runtime)),
    ...bundled.files,
    ...programs,
  ];
}

/** A reader sees the old file or the new one, whole. */
async function replace(path: string, content: string | Uint8Array): Promise<void> {
  const written = `${path}.${process.pid}`;
  await writeFile(written, content);
  await rename(written, path);
}
