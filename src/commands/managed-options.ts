import { type Command, Option } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { OS_DISK_LUN } from '../filesystems/plan-types.ts';
import { isGroupName, isResourceName } from '../snapshot/managed/arm-id.ts';
import type { ManagedWishes } from '../snapshot/managed/managed-set.ts';
import { prefixProblem, tagsProblem } from '../snapshot/managed/snapshot-naming.ts';
import { collect } from './run-options.ts';
import { identityOption } from './source-options.ts';

/** The options about managed disks as commander returns them, not checked yet. */
export interface RawManagedOptions {
  readonly managed?: boolean;
  readonly resourceGroup?: string;
  readonly namePrefix?: string;
  readonly restorePoint?: string;
  readonly tag?: readonly string[];
  readonly identity?: string;
  readonly includeLun?: readonly string[];
  readonly excludeLun?: readonly string[];
}

/** The options that need --managed. */
const WITH_MANAGED = [
  ['restorePoint', '--restore-point'],
  ['resourceGroup', '--resource-group'],
  ['namePrefix', '--name-prefix'],
  ['tag', '--tag'],
  ['identity', '--identity'],
  ['includeLun', '--include-lun'],
  ['excludeLun', '--exclude-lun'],
] as const;

export function addManagedOptions(command: Command): Command {
  command
    .option(
      '--managed',
      'snapshot the managed disks of this Azure VM, with the VM’s own identity (default: snapshot the given blobs)',
    )
    .option(
      '--restore-point <collection>',
      'make one restore point of the VM in this collection, which is created if it does not exist (default: a snapshot of each managed disk)',
    )
    .option(
      '--tag <name=value>',
      'tag of every snapshot of a managed disk (repeatable; default: only the tags of flashfreeze)',
      collect,
    );
  return addDiskOptions(addNamePrefixOption(command));
}

export function addNamePrefixOption(command: Command): Command {
  return command.option(
    '--name-prefix <prefix>',
    'beginning of the names of the snapshots of managed disks, or of the restore point (default: the name of the VM)',
  );
}

/** The options that say which managed disks are meant, whose right counts, and where the snapshots are made. */
export function addDiskOptions(command: Command): Command {
  return command
    .option(
      '--resource-group <name>',
      'resource group of the snapshots of managed disks, or of the collection (default: that of the VM)',
    )
    .addOption(identityOption())
    .addOption(
      new Option(
        '--include-lun <lun>',
        'snapshot the managed disk with this LUN, or os for the OS disk, and no other (repeatable; default: every disk)',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--exclude-lun <lun>',
        'do not snapshot the managed disk with this LUN, or os for the OS disk (repeatable; default: none)',
      )
        .argParser(collect)
        .conflicts('includeLun'),
    );
}

/** What cannot be given together with --managed, with its value. */
export type BesideManaged = Readonly<Record<string, unknown>>;

/**
 * What the options about managed disks ask for; undefined without --managed.
 *
 * @param beside options of blobs by their names on the command line
 * @throws FlashfreezeError FF_USAGE
 */
export function managedWishesOf(
  options: RawManagedOptions,
  beside: BesideManaged,
): ManagedWishes | undefined {
  if (options.managed !== true) {
    const without = WITH_MANAGED.find(([key]) => options[key] !== undefined);
    if (without !== undefined) {
      throw usage(`${without[1]}: expected together with --managed`);
    }
    return undefined;
  }
  const contrary = Object.entries(beside).find(([, value]) => value !== undefined);
  if (contrary !== undefined) {
    throw usage(
      `${contrary[0]}: expected without --managed. Page blobs and managed disks are snapshotted in runs of their own`,
    );
  }
  if (options.restorePoint !== undefined && options.tag !== undefined) {
    throw usage('--tag: expected without --restore-point, because restore points have no tags');
  }
  const restorePoint = collectionOf(options.restorePoint);
  return {
    ...(restorePoint !== undefined && { restorePoint }),
    group: groupOf(options.resourceGroup),
    namePrefix: prefixOf(options.namePrefix),
    tags: tagsOf(options.tag),
    clientId: clientIdOf(options.identity),
    includeLuns: options.includeLun?.map((text) => lunOf('--include-lun', text)),
    excludeLuns: (options.excludeLun ?? []).map((text) => lunOf('--exclude-lun', text)),
  };
}

/** Azure numbers data disks from 0 to 63. */
const LUNS = Array.from({ length: 64 }, (_, lun) => lun);

/** The LUNs of the disks that the set has to contain; undefined: every disk. */
export function wantedLuns({
  includeLuns,
  excludeLuns,
}: ManagedWishes): readonly number[] | undefined {
  return excludeLuns.length === 0
    ? includeLuns
    : [OS_DISK_LUN, ...LUNS].filter((lun) => !excludeLuns.includes(lun));
}

function lunOf(option: string, text: string): number {
  if (text.toLowerCase() === 'os') {
    return OS_DISK_LUN;
  }
  const lun = Number(text);
  if (!/^\d{1,2}$/.test(text) || !LUNS.includes(lun)) {
    throw usage(`${option} ${text === '' ? '(empty)' : text}: expected 0 to 63, or os`);
  }
  return lun;
}

function groupOf(text: string | undefined): string | undefined {
  if (text !== undefined && !isGroupName(text)) {
    throw usage(
      `--resource-group ${text === '' ? '(empty)' : text}: expected the name of a resource group, at most 90 letters, digits and _ . ( ) -, not an id`,
    );
  }
  return text;
}

function collectionOf(text: string | undefined): string | undefined {
  if (text !== undefined && !isResourceName(text)) {
    throw usage(
      `--restore-point ${text === '' ? '(empty)' : text}: expected the name of a restore point collection, 1 to 80 letters, digits and _ . -, not an id`,
    );
  }
  return text;
}

function prefixOf(text: string | undefined): string | undefined {
  const problem = text === undefined ? undefined : prefixProblem(text);
  if (problem !== undefined) {
    throw usage(`--name-prefix ${text === '' ? '(empty)' : text}: ${problem}`);
  }
  return text;
}

function tagsOf(pairs: readonly string[] = []): ManagedWishes['tags'] {
  const tags = pairs.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw usage(`--tag ${pair}: expected name=value, e.g. --tag policy=daily`);
    }
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const problem = tagsProblem(tags);
  if (problem !== undefined) {
    throw usage(`--tag ${problem}`);
  }
  return tags;
}

function clientIdOf(text: string | undefined): string | undefined {
  if (text !== undefined && !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw usage(
      `--identity ${text === '' ? '(empty)' : text}: expected a client id, e.g. --identity 12345678-1234-1234-1234-123456789012 (az identity show … --query clientId)`,
    );
  }
  return text;
}

function usage(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_USAGE', message);
}
