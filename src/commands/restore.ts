import { type Command, Option } from 'commander';
import { ACCEPTABLE, type Acceptable } from '../restore/restore-plan.ts';
import { collect } from './run-options.ts';
import type { SourceOptions } from './snapshots-options.ts';
import { containerFileOption, identityOption, resourceGroupOption } from './source-options.ts';

export interface RestoreOptions
  extends Pick<
    SourceOptions,
    'container' | 'containerFrom' | 'managed' | 'resourceGroup' | 'identity' | 'host'
  > {
  readonly to?: string;
  readonly toResourceGroup?: string;
  readonly sku?: readonly string[];
  readonly zone?: string;
  readonly prefix?: string;
  readonly accept?: Acceptable;
  readonly create?: boolean;
  readonly json?: boolean;
}

export function addRestoreCommand(program: Command): void {
  program
    .command('restore')
    .description('Show which new disks a restore point becomes; with --create, make them')
    .argument('<restore point>', 'identifier, or its beginning, as snapshots list shows it')
    .option(
      '--container <url>',
      'URL of a container that holds the snapshots, with a SAS that permits listing and reading, and creating unless --to is given (repeatable; required unless --container-from or --managed is given)',
      collect,
    )
    .addOption(containerFileOption())
    .option(
      '--to <url>',
      'URL of the container for the new blobs, with a SAS that permits reading and creating (default: that of the snapshot)',
    )
    .option(
      '--managed',
      'snapshots of managed disks, with the own identity of this Azure VM (default: blobs in the containers)',
    )
    .addOption(resourceGroupOption())
    .option(
      '--to-resource-group <name>',
      'resource group of the new managed disks (default: that of the snapshots)',
    )
    .option(
      '--sku <type>',
      'storage type of the new managed disks, e.g. Premium_LRS, or of one with <LUN>=<type> (repeatable; default: that of the old disk)',
      collect,
    )
    .option(
      '--zone <zone>',
      'availability zone of the new managed disks, or none (default: that of the old disk)',
    )
    .addOption(identityOption())
    .option('--host <name>', 'consider only the machine with this name (default: every machine)')
    .option(
      '--prefix <text>',
      'beginning of the names of the new blobs or disks (default: host and time of the restore point)',
    )
    .addOption(
      new Option(
        '--accept <worth>',
        'restore it although it is worth only this (default: only a complete one)',
      ).choices(ACCEPTABLE),
    )
    .option('--create', 'make the new blobs or managed disks (default: dry run)')
    .option('--json', 'print what is made as JSON (default: as text)')
    .action(async (point: string, options: RestoreOptions) => {
      // Imported here, because it loads what no other command needs.
      const { runRestore } = await import('./restore-run.ts');
      process.exitCode = await runRestore(point, options);
    });
}
