import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
// Types only: the code is loaded at run time, and exists in a source checkout only.
import type * as LabModule from '../lab/lab.ts';
import type * as LabNamespace from '../lab/namespace.ts';
import { LAB_DIRECTORY } from '../program-files.ts';
import { renderTable } from '../report/table.ts';
import { snapshot } from './snapshot.ts';

const DEFAULT_DISKS = '8';
const MAX_DISKS = 64;

export function addLabCommand(program: Command): void {
  program
    .command('lab')
    .description('Make a lab of real disks, take a real snapshot of them, and remove the lab again')
    .option('--disks <count>', `number of disks in the lab, 1 to ${MAX_DISKS}`, DEFAULT_DISKS)
    .action(async ({ disks }: { readonly disks: string }) => {
      process.exitCode = await lab(diskCountOf(disks));
    });
}

/**
 * Makes disks with different file systems in separate namespaces, a page blob in Azurite for each disk, and
 * writers on the disks. Snapshots all disks with the code of `flashfreeze snapshot`, and lists every
 * snapshot back. Nothing of the lab is left when the process ends.
 *
 * @returns the exit code: 0 only if each blob has its snapshot
 * @throws FlashfreezeError FF_LAB_UNAVAILABLE, FF_NOT_ROOT
 */
async function lab(count: number): Promise<number> {
  const { enterLab } = await load<typeof LabNamespace>('namespace.ts');
  await enterLab();
  const { Lab, mixedDisks, listBack } = await load<typeof LabModule>('lab.ts');
  say(`Making ${count} disks, a page blob for each of them in Azurite, and writers.`);
  await using disposableLab = await Lab.create({
    disks: mixedDisks(count),
    blobs: 'azurite',
    writers: true,
  });
  const exitCode = await snapshot({
    blob: disposableLab.parts.blobUrls,
    settle: true,
    freeze: true,
    timeline: false,
  });
  say('Stopping the writers and listing the snapshots back from Azurite.');
  const rows = await listBack(disposableLab);
  process.stdout.write(`${renderListing(rows)}\n`);
  return exitCode === 0 && rows.some(({ snapshots }) => snapshots.length !== 1) ? 1 : exitCode;
}

function renderListing(rows: readonly LabModule.ListedDisk[]): string {
  const table = renderTable(
    [
      { head: 'blob', align: 'left' },
      { head: 'size MB', align: 'right' },
      { head: 'snapshots listed back', align: 'left' },
      { head: 'synced writes', align: 'right' },
      { head: 'longest write ms', align: 'right' },
    ],
    rows.map(({ blob, sizeBytes, snapshots, writes, longestStallMs }) => [
      blob,
      sizeBytes / 2 ** 20,
      snapshots.length === 0 ? 'none' : snapshots.join('\n'),
      writes,
      longestStallMs.toFixed(1),
    ]),
  );
  const total = rows.reduce((sum, { snapshots }) => sum + snapshots.length, 0);
  return `\n${table}\n\n${total} snapshots of ${rows.length} disks listed back from Azurite`;
}

async function load<Module>(file: string): Promise<Module> {
  if (LAB_DIRECTORY === undefined) {
    throw new FlashfreezeError(
      'FF_LAB_UNAVAILABLE',
      'The lab exists only in a source checkout: clone the repository, then run npm ci && npm start.',
    );
  }
  return (await import(pathToFileURL(join(LAB_DIRECTORY, file)).href)) as Module;
}

function diskCountOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MAX_DISKS) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--disks ${text}: expected a whole number from 1 to ${MAX_DISKS}, e.g. --disks 8`,
    );
  }
  return count;
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
