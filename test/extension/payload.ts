import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../src/lab/run-command.ts';
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
  'package.json',
  'package-lock.json',
];
/** Names the folder of the zips to the half of a script that runs inside the lab; may be set to test others. */
const VARIABLE = 'FLASHFREEZE_LAB_PAYLOAD';

/**
 * Makes the zips by `npm run package`, outside the lab. Zips are reproducible, so those of the same
 * sources are used again.
 */
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

/** The same entries, uncompressed: the tests unpack them fifty times, and decompressing takes most of that. */
const STORE = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as packed, zipfile.ZipFile(sys.argv[2], 'w') as stored:
    for entry in packed.infolist():
        content = packed.read(entry)
        entry.compress_type = zipfile.ZIP_STORED
        stored.writestr(entry, content)
`;

async function makeZips(directory: string): Promise<void> {
  for (const version of VERSIONS) {
    if (!existsSync(zipPath(directory, version))) {
      await makeZip(directory, version);
    }
  }
}

/** Into a folder of its own first, so that a zip is whole or not there, also if this process is killed. */
async function makeZip(directory: string, version: PayloadVersion): Promise<void> {
  const own = join(directory, `new-${process.pid}`);
  await runCommand('npm', [
    ...['--prefix', CHECKOUT, 'run', '--silent', 'package', '--'],
    ...['--name', HANDLER_NAME, '--version', version, '--out', own],
  ]);
  const stored = join(own, 'stored.zip');
  await runCommand('python3', ['-c', STORE, zipPath(own, version), stored]);
  await rename(stored, zipPath(directory, version));
  await rm(own, { recursive: true });
}
