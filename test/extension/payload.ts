import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { builtOfSources } from '../built-of-sources.ts';

export const HANDLER_NAME = 'Microsoft.RecoveryServices.FlashfreezeLab';
/** The second one is what the first is updated to. */
export const VERSIONS = ['1.0.0.1', '1.0.0.2'] as const;
export type PayloadVersion = (typeof VERSIONS)[number];

const CHECKOUT = join(import.meta.dirname, '../..');
const CACHE = join(CHECKOUT, 'build/payload');
/** Everything that decides what is in the zip. */
export const PAYLOAD_SOURCES = [
  'src',
  'build/Release/flashfreeze.node',
  'build/Release/flashfreeze-guardian',
  'build/Release/flashfreeze-disk-heads',
  'package.json',
  'package-lock.json',
];
/** Names the folder of the zips to the half of a script that runs inside the lab; may be set to test others. */
const VARIABLE = 'FLASHFREEZE_LAB_PAYLOAD';

/** Makes the zips, outside the lab. They are reproducible, so those of the same sources are used again. */
export async function preparePayload(): Promise<void> {
  if (process.env[VARIABLE] !== undefined) {
    return;
  }
  process.env[VARIABLE] = await builtOfSources(CACHE, PAYLOAD_SOURCES, makeZips);
}

/** The zip of that version, inside the lab. */
export function payloadPath(version: PayloadVersion): string {
  return zipPath(process.env[VARIABLE] ?? '', version);
}

function zipPath(directory: string, version: PayloadVersion): string {
  return join(directory, `${HANDLER_NAME}-${version}.zip`);
}

async function makeZips(directory: string): Promise<void> {
  for (const version of VERSIONS) {
    if (!existsSync(zipPath(directory, version))) {
      await makeZip(directory, version);
    }
  }
}

/**
 * What `npm run package` puts into its zip, but uncompressed: the tests unpack it fifty times, and decompressing takes
 * most of that. In another place first, so that a zip is whole or not there, also if this process is killed.
 */
async function makeZip(directory: string, version: PayloadVersion): Promise<void> {
  // Loaded here, because most tests find the zips made.
  const { zip } = await import('../../src/package/archive.ts');
  const { parseArchitecture, parseName, parseVersion } = await import(
    '../../src/package/options.ts'
  );
  const { payload } = await import('../../src/package/package-extension.ts');
  const { WORK } = await import('../../src/package/repository.ts');
  const options = {
    ...parseName(HANDLER_NAME),
    ...{ version: parseVersion(version), architecture: parseArchitecture(process.arch) },
    out: directory,
  };
  await mkdir(WORK, { recursive: true });
  const own = join(directory, `new-${process.pid}`);
  await writeFile(own, await zip(await payload(options), 0));
  await rename(own, zipPath(directory, version));
}
