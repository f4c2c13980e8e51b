import { hostname } from 'node:os';
import { Command, type Option } from 'commander';
import {
  type ConfigurationKey,
  choice,
  flag,
  listOf,
  readKeys,
} from '../config/configuration-keys.ts';
import type { IniSection } from '../config/python-ini.ts';
import { readSnapshotConf, type SnapshotConf } from '../config/snapshot-conf.ts';
import { FlashfreezeError } from '../errors.ts';
import { readAzureVmId } from '../system/azure-vm-id.ts';
import { containerUrlsOf } from './container-options.ts';
import { reportError } from './exit.ts';
import { ruleFor } from './prune-rule.ts';
import { collect } from './run-options.ts';
import type { RawSnapshotOptions } from './snapshot-options.ts';
import { addPruneCommand, type PruneOptions } from './snapshots-options.ts';

/** Values by the attributes of commander. */
type Values = Readonly<Record<string, unknown>>;

/** `--conf` itself, a time that passes once, and the form of the output, which is the caller's choice. */
const NO_KEYS_OF_SNAPSHOT = new Set(['conf', 'at', 'json']);
/** What the snapshot decides, and what would delete nothing. */
const NO_KEYS_OF_PRUNE = new Set([
  ...['managed', 'resource-group', 'identity', 'host', 'metadata', 'tag'],
  ...['delete', 'json'],
]);
/** Options that cannot be together; that of the command line wins. */
const CONTRARY: Readonly<Record<string, string>> = {
  includeLun: 'excludeLun',
  excludeLun: 'includeLun',
};

/** What a run by a file is to do. */
export interface FileWishes {
  readonly path: string;
  readonly options: RawSnapshotOptions;
  /** Attributes of commander that come from the file. */
  readonly fromFile: readonly string[];
  readonly prune: PruneOptions | undefined;
}

/**
 * Reads the file, and puts the options of the command line over its own.
 *
 * @param command that was called
 * @throws FlashfreezeError FF_CONFIG_INVALID, FF_USAGE and other errors of what is read
 */
export function readWishes(path: string, command: Command): FileWishes {
  const file = readSnapshotConf(path);
  requireHidden(file, command);
  const settings = readSection(file, 'Snapshot', file.snapshot, snapshotOptions(command));
  const options = mergedOptions(command, settings);
  const prune = pruneOptionsOf(file, options);
  return { path, options, fromFile: Object.keys(settings), prune };
}

/**
 * Runs `flashfreeze snapshot` with the options of a file, and after a good run prunes as its `[Retention]` says.
 *
 * @param command that was called
 * @param snapshot takes the snapshots; returns the exit code
 * @returns the exit code; 1 if the snapshots are good and the pruning failed
 * @throws FlashfreezeError of the snapshot, before anything is frozen
 */
export async function snapshotByFile(
  { path, options, fromFile, prune }: FileWishes,
  command: Command,
  snapshot: (options: RawSnapshotOptions) => Promise<number>,
): Promise<number> {
  return await naming(path, fromFile, command, async () => {
    const code = await snapshot(options);
    return code !== 0 || prune === undefined ? code : await pruneAfter(prune, options);
  });
}

/** The options that are keys of `[Snapshot]`, by their long names. */
export function snapshotOptions({ options }: Command): Option[] {
  return options.filter((option) => !NO_KEYS_OF_SNAPSHOT.has(option.name()));
}

/** The options of `flashfreeze snapshots prune` that are keys of `[Retention]`. */
export function retentionOptions(): Option[] {
  return pruneCommand().options.filter((option) => !NO_KEYS_OF_PRUNE.has(option.name()));
}

function pruneCommand(): Command {
  return addPruneCommand(new Command());
}

function keyOf(option: Option): ConfigurationKey<Values> {
  return { ...readerOf(option), mayHoldSecret: mayHoldSecret(option) };
}

function readerOf(option: Option): ConfigurationKey<Values> {
  const name = option.name();
  const attribute = option.attributeName();
  if (!option.required) {
    return flag(name, (isSet) => (isSet ? { [attribute]: !option.negate } : {}));
  }
  if (option.argChoices !== undefined) {
    return choice(name, option.argChoices, (value) => ({ [attribute]: value }));
  }
  if (option.parseArg === collect) {
    return textKey(name, 'values with commas between them', (value) => {
      const items = listOf(value);
      return items.length === 0 ? undefined : { [attribute]: items };
    });
  }
  // A timer's command runs in another folder than the one that wrote the file.
  const isFile = option.flags.includes('<file>');
  return textKey(name, isFile ? 'the absolute path of a file' : 'a value', (value) =>
    value === '' || (isFile && !value.startsWith('/')) ? undefined : { [attribute]: value },
  );
}

function textKey(
  name: string,
  expected: string,
  read: ConfigurationKey<Values>['read'],
): ConfigurationKey<Values> {
  return { name, expected, read };
}

function readSection(
  { path }: SnapshotConf,
  section: string,
  values: IniSection,
  options: readonly Option[],
): Values {
  const { settings, mistakes } = readKeys(values, options.map(keyOf), { path, section });
  if (mistakes[0] !== undefined) {
    throw new FlashfreezeError('FF_CONFIG_INVALID', mistakes[0]);
  }
  return settings;
}

/** URLs with a signature and commands may hold secrets. */
function mayHoldSecret({ flags }: Option): boolean {
  return /url>|<command>/.test(flags);
}

function requireHidden(file: SnapshotConf, command: Command): void {
  const prune = pruneCommand();
  const secret =
    secretIn(file.snapshot, command) ??
    (file.retention === undefined ? undefined : secretIn(file.retention, prune));
  if (secret !== undefined && file.modeOfOthers !== 0) {
    throw new FlashfreezeError(
      'FF_CONFIG_INVALID',
      `${file.path} has ${secret.name()}, which may hold a secret, and other users may read it; run chmod 0600 on it`,
    );
  }
}

function secretIn(section: IniSection, command: Command): Option | undefined {
  return command.options.find((option) => mayHoldSecret(option) && section.has(option.name()));
}

function mergedOptions(command: Command, settings: Values): RawSnapshotOptions {
  const isGiven = (attribute: string | undefined): boolean =>
    attribute !== undefined && command.getOptionValueSource(attribute) === 'cli';
  const used = Object.entries(settings).filter(
    ([attribute]) => !isGiven(attribute) && !isGiven(CONTRARY[attribute]),
  );
  return { ...command.opts<RawSnapshotOptions>(), ...Object.fromEntries(used) };
}

/**
 * What is pruned after the run: restore points of this machine with the metadata or tags of the run. Everything that
 * can be checked without the network is checked.
 */
function pruneOptionsOf(file: SnapshotConf, options: RawSnapshotOptions): PruneOptions | undefined {
  if (file.retention === undefined) {
    return undefined;
  }
  const rules: PruneOptions = readSection(file, 'Retention', file.retention, retentionOptions());
  ruleFor(rules);
  const { managed, resourceGroup, identity, tag, metadata, restorePoint } = options;
  if (restorePoint !== undefined) {
    throw new FlashfreezeError(
      'FF_CONFIG_INVALID',
      `${file.path}: [Retention] is not for --restore-point: restore points of a VM are not pruned; remove the section`,
    );
  }
  const common = { ...rules, host: hostname(), delete: true };
  if (managed === true) {
    return { ...common, managed, ...defined({ resourceGroup, identity, tag }) };
  }
  if (rules.container === undefined && rules.containerFrom === undefined) {
    throw new FlashfreezeError(
      'FF_CONFIG_INVALID',
      `${file.path}: [Retention] has no container-from; expected the path of a file with the URL of the blobs’ container, with a SAS that may list, read and delete (sp=rld)`,
    );
  }
  containerUrlsOf(rules);
  return { ...common, ...defined({ metadata }) };
}

function defined(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

async function pruneAfter(prune: PruneOptions, { quiet }: RawSnapshotOptions): Promise<number> {
  const { runPrune } = await import('./snapshots-prune.ts');
  try {
    let said = '';
    const print = (text: string): void => {
      said = text;
    };
    // Other VMs may have this one's name, e.g. one that was restored from its snapshots.
    const own = { host: hostname(), vm: await readAzureVmId() };
    const code = await runPrune(prune, { print, own });
    if (quiet !== true || code !== 0) {
      process.stderr.write(said);
    }
    return code;
  } catch (error) {
    reportError(error);
    process.stderr.write('The snapshots were taken; nothing was pruned.\n');
    return 1;
  }
}

/** Says in an error about options which of them come from the file. */
async function naming(
  path: string,
  attributes: readonly string[],
  command: Command,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FlashfreezeError)) {
      throw error;
    }
    const names = command.options
      .filter((option) => attributes.includes(option.attributeName()))
      .map((option) => option.name())
      .filter((name) => new RegExp(`--${name}(?![\\w-])`).test(error.message));
    throw names.length === 0
      ? error
      : new FlashfreezeError(error.code, `${error.message} (${names.join(', ')} in ${path})`);
  }
}
