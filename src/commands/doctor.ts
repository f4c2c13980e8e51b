import type { Command } from 'commander';
import { renderDoctor, reportOf } from '../doctor/doctor-terminal.ts';
import { jsonText } from '../log/printable.ts';
import { redactionOfCommand } from './exit.ts';
import {
  addDiskOptions,
  managedWishesOf,
  type RawManagedOptions,
  wantedLuns,
} from './managed-options.ts';
import { collect, startTimeOf } from './run-options.ts';
import { type BlobOptions, givenBlobs } from './snapshot-options.ts';

interface DoctorOptions extends BlobOptions, RawManagedOptions {
  readonly at?: string;
  readonly all?: boolean;
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
    .option(
      '--at <time>',
      'RFC 3339 time of the next snapshot, which each SAS must outlast (default: the next start of a flashfreeze timer of systemd, if there is one)',
    )
    .option('--all', 'show long lists whole (default: cut, with the number of what is left out)')
    .option('--json', 'print the checks as JSON, always whole (default: as text)')
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
  const startAt = startTimeOf(options.at);
  const blobs = givenBlobs(options);
  const redaction = redactionOfCommand();
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
  const found = examine(await readMachine({ blobs, managed: question, startAt }), new Date());
  const text =
    options.json === true ? jsonText(reportOf(found)) : renderDoctor(found, options.all === true);
  process.stdout.write(redaction.redact(`${text}\n`));
  return found.status === 'failed' ? 1 : 0;
}
