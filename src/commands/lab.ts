import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
// Types only: the code is loaded where it exists.
import type * as LabScene from '../lab/lab.ts';
import type * as LabNamespace from '../lab/namespace.ts';
import { LAB_DIRECTORY } from '../program-files.ts';
import { renderTable } from '../report/table.ts';
import { snapshot } from './snapshot.ts';

const DEFAULT_DISKS = '8';
const MAX_DISKS = 64;

export function addLabCommand(program: Command): void {
  program
    .command('lab')
    .description('Take a real snapshot of real disks in a lab of their own, and remove it again')
    .option('--disks <count>', `number of disks, 1 to ${MAX_DISKS}`, DEFAULT_DISKS)
    .action(async ({ disks }: { readonly disks: string }) => {
      process.exitCode = await lab(diskCountOf(disks));
    });
}

/**
 * Makes disks of mixed file systems in namespaces of their own, a page blob in Azurite for each and
 * writers on them, snapshots all by the same path as `flashfreeze snapshot`, and lists every
 * snapshot back. Nothing of it is left when the process ends.
 *
 * @returns the exit code: 0 only if each blob has its snapshot
 * @throws FlashfreezeError FF_LAB_UNAVAILABLE, FF_NOT_ROOT
 */
async function lab(count: number): Promise<number> {
  const { enterLab } = await load<typeof LabNamespace>('namespace.ts');
  await enterLab();
  const { Lab, mixedDisks, listBack } = await load<typeof LabScene>('lab.ts');
  say(`Making ${count} disks, a page blob for each of them in Azurite, and writers.`);
  await using scene = await Lab.create({
    disks: mixedDisks(count),
    blobs: 'azurite',
    writers: true,
  });
  const exitCode = await snapshot({
    blob: scene.parts.blobUrls,
    settle: true,
    freeze: true,
    timeline: false,
  });
  say('Stopping the writers and listing the snapshots back from Azurite.');
  const rows = await listBack(scene);
  process.stdout.write(`${renderListing(rows)}\n`);
  return exitCode === 0 && rows.some(({ snapshots }) => snapshots.length !== 1) ? 1 : exitCode;
}

function renderListing(rows: readonly LabScene.ListedDisk[]): string {
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
      'The lab is part of a source checkout only: clone the repository, then npm ci && npm start.',
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
