import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
// Types only: the code is loaded at run time, and exists in a source checkout only.
import type * as LabModule from '../lab/lab.ts';
import type * as LabNamespace from '../lab/namespace.ts';
import type * as LabShell from '../lab/shell.ts';
import { LAB_DIRECTORY } from '../program-files.ts';
import type { RunFile } from '../report/run-file.ts';
import { renderTable } from '../report/table.ts';
import { unwritable } from './output.ts';
import { snapshot } from './snapshot.ts';

const DEFAULT_DISKS = '8';
const MAX_DISKS = 64;

/** Seen in the one recording of an operation of a snapshot: its time, and the pause that it asks for (managed-disks.md). */
const AS_RECORDED = { durationMs: 390, retryAfterSeconds: 2, pointInTime: 'random' } as const;

interface LabCommandOptions {
  readonly disks: string;
  readonly managed?: boolean;
  readonly report?: string;
  readonly shell?: boolean;
}

export function addLabCommand(program: Command): void {
  program
    .command('lab')
    .description('Make a lab of real disks, take a real snapshot of them, and remove the lab again')
    .option('--disks <count>', `number of disks in the lab, 1 to ${MAX_DISKS}`, DEFAULT_DISKS)
    .option(
      '--managed',
      'the disks are the managed disks of an Azure VM, and the lab has its metadata and a resource manager (default: page blobs)',
    )
    .option(
      '--report <file.html>',
      'write an HTML page with a picture of the run (default: print text only)',
    )
    .option(
      '--shell',
      'after the snapshot, run a shell in the lab, beside a container.txt for a restore drill, until it ends (default: remove the lab)',
    )
    .action(async ({ disks, managed = false, report, shell = false }: LabCommandOptions) => {
      if (managed && shell) {
        throw new FlashfreezeError('FF_USAGE', '--shell: cannot be given with --managed');
      }
      const run = managed ? managedLab : shell ? labWithShell : lab;
      process.exitCode = await run(diskCountOf(disks), report);
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
async function lab(count: number, report: string | undefined): Promise<number> {
  const { Lab, mixedDisks, listBack, keepPage } = await insideLab(report);
  say(`Making ${count} disks, a page blob for each of them in Azurite, and writers.`);
  await using disposableLab = await Lab.create({
    disks: mixedDisks(count),
    blobs: 'azurite',
    writers: true,
  });
  const exitCode = await snapshot({ ...ALL, blob: disposableLab.parts.blobUrls }, keepPage);
  say('Stopping the writers and listing the snapshots back from Azurite.');
  const rows = await listBack(disposableLab);
  process.stdout.write(`${renderListing(rows)}\n`);
  return exitCodeOf(exitCode, rows);
}

/**
 * Like `lab`, but the blobs have all content of the disks, and there is a shell instead of the listing.
 *
 * @returns the exit code: that of the shell, if the snapshot succeeded
 * @throws FlashfreezeError FF_LAB_UNAVAILABLE, FF_NOT_ROOT
 */
async function labWithShell(count: number, report: string | undefined): Promise<number> {
  const { Lab, mixedDisks, keepPage } = await insideLab(report);
  const { runShell } = await load<typeof LabShell>('shell.ts');
  say(`Making ${count} disks, a page blob of each of them, and writers.`);
  await using disposableLab = await Lab.create({
    disks: mixedDisks(count),
    blobs: 'images',
    writers: true,
  });
  const { blobUrls, blobServer, writers } = disposableLab.parts;
  const container = blobServer?.containerUrl() ?? '';
  const exitCode = await snapshot({ ...ALL, blob: blobUrls, manifest: container }, keepPage);
  await writers?.stop();
  if (exitCode !== 0) {
    return exitCode;
  }
  say(
    'A shell in the lab; container.txt names the container. The lab is removed when the shell ends.',
  );
  return await runShell(container);
}

/**
 * The lab as an Azure VM, whose disks are managed disks.
 *
 * @returns the exit code: 0 only if each disk has its snapshot
 * @throws FlashfreezeError FF_LAB_UNAVAILABLE, FF_NOT_ROOT
 */
async function managedLab(count: number, report: string | undefined): Promise<number> {
  const { Lab, mixedDisks, listManagedBack, keepPage } = await insideLab(report);
  say(
    `Making ${count} managed disks of a VM, its instance metadata, a resource manager, and writers.`,
  );
  await using disposableLab = await Lab.create({
    disks: mixedDisks(count),
    blobs: 'none',
    writers: true,
    vm: { operation: AS_RECORDED },
  });
  say(
    `As recorded in Azure, an operation takes ${AS_RECORDED.durationMs} ms and asks for ${AS_RECORDED.retryAfterSeconds} s until the first question about it.`,
  );
  const exitCode = await snapshot({ ...ALL, managed: true }, keepPage);
  say('Stopping the writers and listing the snapshots back from the resource manager.');
  const rows = await listManagedBack(disposableLab);
  process.stdout.write(`${renderManagedListing(rows)}\n`);
  return exitCodeOf(exitCode, rows);
}

const ALL = { settle: true, freeze: true, timeline: false } as const;

const WRITER_COLUMNS = [
  { head: 'synced writes', align: 'right' },
  { head: 'longest write ms', align: 'right' },
] as const;

function renderListing(rows: readonly LabModule.ListedDisk[]): string {
  const table = renderTable(
    [
      { head: 'blob', align: 'left' },
      { head: 'size MB', align: 'right' },
      { head: 'snapshots listed back', align: 'left' },
      ...WRITER_COLUMNS,
    ],
    rows.map(({ blob, sizeBytes, snapshots, writes, longestStallMs }) => [
      blob,
      sizeBytes / 2 ** 20,
      linesOf(snapshots),
      writes,
      longestStallMs.toFixed(1),
    ]),
  );
  return `\n${table}\n\n${sumOf(rows)} listed back from Azurite`;
}

function renderManagedListing(rows: readonly LabModule.ListedManagedDisk[]): string {
  const table = renderTable(
    [
      { head: 'disk', align: 'left' },
      { head: 'LUN', align: 'right' },
      { head: 'snapshots listed back', align: 'left' },
      { head: 'timeCreated', align: 'left' },
      { head: 'point', align: 'left' },
      ...WRITER_COLUMNS,
    ],
    rows.map(({ disk, lun, snapshots, writes, longestStallMs }) => [
      disk,
      lun < 0 ? 'os' : lun,
      linesOf(snapshots.map(({ name }) => name)),
      linesOf(snapshots.map(({ timeCreated }) => timeCreated)),
      linesOf(snapshots.map(({ tags }) => tags['flashfreeze-disk'] ?? '?')),
      writes,
      longestStallMs.toFixed(1),
    ]),
  );
  return `\n${table}\n\n${sumOf(rows)} listed back from the resource manager`;
}

function linesOf(texts: readonly string[]): string {
  return texts.length === 0 ? 'none' : texts.join('\n');
}

/** @param exitCode of the snapshot */
function exitCodeOf(
  exitCode: number,
  rows: readonly { readonly snapshots: readonly unknown[] }[],
): number {
  return exitCode === 0 && rows.some(({ snapshots }) => snapshots.length !== 1) ? 1 : exitCode;
}

function sumOf(rows: readonly { readonly snapshots: readonly unknown[] }[]): string {
  const total = rows.reduce((sum, { snapshots }) => sum + snapshots.length, 0);
  return `${total} snapshots of ${rows.length} disks`;
}

type KeepPage = (run: RunFile) => void;

/**
 * Returns inside the lab only.
 *
 * @param report path for the page of the run, opened outside the lab: files that are made inside are gone with it
 */
async function insideLab(
  report: string | undefined,
): Promise<typeof LabModule & { readonly keepPage: KeepPage | undefined }> {
  const { enterLab, isInsideLab, LAB_OUTPUT } = await load<typeof LabNamespace>('namespace.ts');
  await enterLab({
    output: report === undefined || isInsideLab() ? undefined : openForWriting(report),
  });
  const { renderHtml } = await import('../report/html.ts');
  const keepPage: KeepPage = (run) => writeFileSync(LAB_OUTPUT, renderHtml(run));
  return {
    ...(await load<typeof LabModule>('lab.ts')),
    keepPage: report === undefined ? undefined : keepPage,
  };
}

function openForWriting(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw unwritable(path, error);
  }
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
