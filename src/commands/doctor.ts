import type { Command } from 'commander';
import type { Check, DoctorReport } from '../doctor/doctor-types.ts';
import { printable } from '../log/printable.ts';
import { Redaction } from '../log/redaction.ts';
import { colors } from '../report/colors.ts';
import {
  addDiskOptions,
  managedWishesOf,
  type RawManagedOptions,
  wantedLuns,
} from './managed-options.ts';
import { collect } from './run-options.ts';
import { type BlobOptions, givenBlobs } from './snapshot-options.ts';

interface DoctorOptions extends BlobOptions, RawManagedOptions {
  readonly json?: boolean;
}

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('Check this machine for snapshots and show what to fix; freezes nothing')
    .option(
      '--blob <url>',
      'also check this blob and its SAS (repeatable; default: no blob is checked)',
      collect,
    )
    .option(
      '--disk <device=url>',
      'also check this blob against the named disk (repeatable)',
      collect,
    )
    .option(
      '--blobs-from <file>',
      'also check the blobs in this file, one URL or device=URL per line (- for standard input)',
    )
    .option('--json', 'print the checks as JSON (default: as text)')
    .option(
      '--managed',
      'also check identity, rights and disks for snapshots of the managed disks of this Azure VM (default: they are not checked)',
    );
  addDiskOptions(command).action(async (options: DoctorOptions) => {
    process.exitCode = await doctor(options);
  });
}

/** @returns the exit code: 0 if nothing prevents a snapshot */
async function doctor(options: DoctorOptions): Promise<number> {
  const wishes = managedWishesOf(options, {
    '--blob': options.blob,
    '--disk': options.disk,
    '--blobs-from': options.blobsFrom,
  });
  const blobs = givenBlobs(options);
  const redaction = new Redaction();
  for (const { url } of blobs) {
    redaction.addUrl(url);
  }
  // Loaded here, because these modules import every part of the program.
  const { readMachine } = await import('../doctor/read-machine.ts');
  const { examine } = await import('../doctor/checks.ts');
  const question =
    wishes === undefined
      ? undefined
      : {
          ...{ wishes, includedLuns: wantedLuns(wishes) },
          learnSecret: (secret: string) => redaction.add(secret),
        };
  const report = examine(await readMachine(blobs, question), new Date());
  const text = options.json === true ? JSON.stringify(report, null, 2) : render(report);
  process.stdout.write(redaction.redact(`${text}\n`));
  return report.status === 'failed' ? 1 : 0;
}

const SIGNS: Readonly<Record<Check['status'], string>> = { ok: '✓', warning: '!', failed: '✗' };

function render({ status, checks, managed }: DoctorReport): string {
  const colour = { ok: colors.green, warning: colors.yellow, failed: colors.red };
  const lines = checks.map(({ id, status: it, finding, remedy }) => {
    const line = `${colour[it](`${SIGNS[it]} ${id}`)}: ${printable(finding)}`;
    return remedy === null ? line : `${line}\n    → ${remedy}`;
  });
  const verdict = {
    ok: '✓ everything is in order',
    warning: '! snapshots can be taken; see the warnings',
    failed: '✗ snapshots cannot be taken until the failed checks are fixed',
  };
  return [...lines, '', colour[status](verdict[status]), ...renderSetup(managed)].join('\n');
}

function renderSetup(managed: DoctorReport['managed']): string[] {
  if (managed === null) {
    return [];
  }
  const { role, commands } = managed;
  return [
    '',
    'The role that the identity of the VM needs, for role.json:',
    JSON.stringify(role, null, 2),
    '',
    'How an administrator creates and assigns it:',
    ...commands,
  ];
}
