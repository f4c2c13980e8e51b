import type { Command } from 'commander';
import type { ContainersOptions } from './container-options.ts';
import { collect } from './run-options.ts';
import { containerFileOption, identityOption, resourceGroupOption } from './source-options.ts';

/** Where snapshots are stored, and which of them are considered. */
export interface SourceOptions extends ContainersOptions {
  readonly managed?: boolean;
  readonly resourceGroup?: string;
  readonly identity?: string;
  readonly host?: string;
  readonly metadata?: readonly string[];
  readonly tag?: readonly string[];
}

export function addSourceOptions(command: Command): Command {
  return command
    .option(
      '--container <url>',
      'URL of a container, with a SAS that permits listing and reading (repeatable; required unless --container-from or --managed is given)',
      collect,
    )
    .addOption(containerFileOption())
    .option(
      '--managed',
      'consider the snapshots of managed disks, with the own identity of this Azure VM (default: those in the containers)',
    )
    .addOption(resourceGroupOption())
    .addOption(identityOption())
    .option('--host <name>', 'consider only the machine with this name (default: every machine)')
    .option(
      '--metadata <key=value>',
      'consider only snapshots with this metadata (repeatable; default: with any metadata)',
      collect,
    )
    .option(
      '--tag <name=value>',
      'consider only snapshots of managed disks with this tag (repeatable; default: with any tags)',
      collect,
    );
}

export interface ListOptions extends SourceOptions {
  readonly disks?: boolean;
  readonly blob?: string;
  readonly json?: boolean;
}

export function addListCommand(snapshots: Command): void {
  addSourceOptions(
    snapshots
      .command('list')
      .description('List the restore points that are stored, the newest first'),
  )
    .option('--disks', 'list the single snapshots instead of the restore points')
    .option(
      '--blob <name>',
      'with --disks: only the snapshots of the blob with this name in its container (default: of every blob)',
    )
    .option('--json', 'print the restore points as JSON (default: as text)')
    .action(async (options: ListOptions) => {
      // Imported here, because it loads what no other command needs.
      const { listPoints } = await import('./snapshots-list.ts');
      await listPoints(options);
    });
}

export interface RuleOptions {
  readonly keepLast?: string;
  readonly keepHourly?: string;
  readonly keepDaily?: string;
  readonly keepWeekly?: string;
  readonly keepMonthly?: string;
  readonly keepYearly?: string;
  readonly keepWithin?: string;
  readonly olderThan?: string;
}

export interface PruneOptions extends SourceOptions, RuleOptions {
  readonly incomplete?: boolean;
  readonly acceptUnrecorded?: boolean;
  readonly allowNoneLeft?: boolean;
  readonly delete?: boolean;
  readonly json?: boolean;
}

export function addPruneCommand(snapshots: Command): Command {
  const prune = addSourceOptions(
    snapshots
      .command('prune')
      .description('Show which restore points would be removed; with --delete, remove them'),
  );
  return addRuleOptions(prune)
    .option(
      '--incomplete',
      'also remove restore points that nothing can be restored from, if they are older than an hour (default: leave them alone)',
    )
    .option(
      '--accept-unrecorded',
      'count restore points of which nothing was recorded as complete ones (default: leave them alone)',
    )
    .option(
      '--allow-none-left',
      'permit that nothing is left of a machine (default: its last complete restore point stays)',
    )
    .option('--delete', 'delete the snapshots (default: dry run)')
    .option('--json', 'print what stays and what does not as JSON (default: as text)')
    .addHelpText('after', RULES_ELSEWHERE)
    .action(async (options: PruneOptions) => {
      const { runPrune } = await import('./snapshots-prune.ts');
      process.exitCode = await runPrune(options);
    });
}

const RULES_ELSEWHERE =
  '\nWithout any rule here, those of [Retention] in /etc/azure/vmbackup.conf are used.';

function addRuleOptions(command: Command): Command {
  const spans = ['hour', 'day', 'week', 'month', 'year'] as const;
  const names = { hour: 'hourly', day: 'daily', week: 'weekly', month: 'monthly', year: 'yearly' };
  command.option('--keep-last <count>', 'keep so many of the newest (default: none by this rule)');
  for (const span of spans) {
    command.option(
      `--keep-${names[span]} <count>`,
      `keep the newest of each of so many ${span}s, in UTC, that have one (default: none by this rule)`,
    );
  }
  return command
    .option(
      '--keep-within <age>',
      'keep what is within this age of the newest, e.g. 12h, 30d or 4w (default: none by this rule)',
    )
    .option(
      '--older-than <age>',
      'remove only what is older than this age, e.g. 12h, 30d or 4w (default: of any age)',
    );
}
