import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
// Types only: the code is loaded at run time, and exists in a source checkout only.
import type * as LabModule from '../lab/lab.ts';
import type * as LabNamespace from '../lab/namespace.ts';
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
    .action(async ({ disks, managed = false, report }: LabCommandOptions) => {
      const run = managed ? managedLab : lab;
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
