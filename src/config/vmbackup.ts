import { readFileSync } from 'node:fs';
import { FlashfreezeError } from '../errors.ts';
import { commandWords } from './argument-words.ts';
import {
  type ConfigurationKey,
  cappedSeconds,
  choice,
  flag,
  isFalse,
  listOf,
  readKeys,
  seconds,
} from './configuration-keys.ts';
import { misspeltNames } from './misspelt-names.ts';
import { type IniSection, parsePythonIni } from './python-ini.ts';
import { openTrustedFile } from './trusted-file.ts';

export const VM_BACKUP_CONFIGURATION_PATH = '/etc/azure/vmbackup.conf';

export const SNAPSHOT_METHODS = [
  'onlyGuest',
  'firstGuestThenHost',
  'firstHostThenGuest',
  'onlyHost',
  'managedIdentity',
] as const;
export type SnapshotMethod = (typeof SNAPSHOT_METHODS)[number];

export const LAST_LEVERS = ['deny', 'allow', 'kill', 'off'] as const;
/** The action if no thaw releases a stuck freeze (freeze-facts.md, Stuck, the last levers). */
export type LastLever = (typeof LAST_LEVERS)[number];

export const BTRFS_MAINTENANCE = ['pauseBalance', 'refuse', 'ignore'] as const;
/** The action if a balance, scrub, replace or similar operation of a btrfs would block the freeze. */
export type BtrfsMaintenance = (typeof BTRFS_MAINTENANCE)[number];

export const FIRE_RULES = ['early', 'barrier'] as const;
export type FireRule = (typeof FIRE_RULES)[number];

/** The settings of `/etc/azure/vmbackup.conf`, checked (settings.md, Local files). */
export interface VmBackupConfiguration {
  /** `timeout`: longest time that a freeze may last. */
  readonly timeoutMs: number;
  /** `MountsToSkip`: mount points left out of the freeze. */
  readonly mountsToSkip: readonly string[];
  /** `seqsnapshot` 2: one disk after the other. */
  readonly sequentialSnapshot: boolean;
  /** `SnapshotMethod`; undefined if the task's settings decide. */
  readonly snapshotMethod: SnapshotMethod | undefined;
  /** `UploadStatusAndLog` */
  readonly uploadStatusAndLog: boolean;
  /** `WriteLog` */
  readonly writeLog: boolean;
  /** `LoggingOff` 0; 1: what happens while file systems are frozen is not logged. */
  readonly logsWhileFrozen: boolean;
  /** `disable_logging` 0 */
  readonly events: boolean;
  /** `OnAppFailureDoFsFreeze`: freeze also if the application could not be quiesced. */
  readonly freezeAfterAppFailure: boolean;
  /** `OnAppSuccessDoFsFreeze`: freeze also if the application was quiesced. */
  readonly freezeAfterAppSuccess: boolean;
  /** `onlyLocalFilesystems`: count the used space of local file systems only. */
  readonly onlyLocalFileSystems: boolean;
  /** `fsfreeze` */
  readonly freeze: boolean;
  /** `[Flashfreeze] fire`: send the request of each disk as early as possible, or all at the barrier. */
  readonly fire: FireRule;
  /** `[Flashfreeze] retryStuckFreeze`: retry once, and freeze the stuck file systems first. */
  readonly retryStuckFreeze: boolean;
  /**
   * `[Flashfreeze] waveLimit`, or else `SafeFreezeWaitInSeconds`: seconds after which a freeze that has not finished is
   * ended.
   */
  readonly waveLimitMs: number;
  /** `[Flashfreeze] flushLimit`: seconds that flushing dirty data before the freeze may take. */
  readonly flushLimitMs: number;
  /** `[Flashfreeze] patience`: seconds that a disk's snapshot request may hold the writers beyond the usual time. */
  readonly patienceMs: number;
  /** `[Flashfreeze] lastLever` */
  readonly lastLever: LastLever;
  /** `[Flashfreeze] btrfsMaintenance` */
  readonly btrfsMaintenance: BtrfsMaintenance;
  /** `[Flashfreeze] lanes`: number of connection threads; undefined: one. */
  readonly lanes: number | undefined;
  /** `[Flashfreeze] pollInterval`: seconds between two polls of the host for a wanted snapshot. */
  readonly pollIntervalMs: number;
  /** `[Flashfreeze] metricsFile`: file for the metrics of the last run in OpenMetrics; undefined: none is written. */
  readonly metricsFile: string | undefined;
  /** `[Flashfreeze] notify`: path and arguments of the command that hears of every run; undefined: none. */
  readonly notify: readonly string[] | undefined;
  /** `[Flashfreeze] manifestContainerFile`: file with the URL of the container for manifests; undefined: none. */
  readonly manifestContainerFile: string | undefined;
}

/** The value of each setting that the file does not set. */
export const DEFAULT_VM_BACKUP_CONFIGURATION: VmBackupConfiguration = {
  timeoutMs: 60_000,
  mountsToSkip: [],
  sequentialSnapshot: false,
  snapshotMethod: undefined,
  uploadStatusAndLog: true,
  writeLog: true,
  logsWhileFrozen: true,
  events: true,
  freezeAfterAppFailure: true,
  freezeAfterAppSuccess: true,
  onlyLocalFileSystems: false,
  freeze: true,
  fire: 'early',
  retryStuckFreeze: true,
  waveLimitMs: 10_000,
  flushLimitMs: 60_000,
  patienceMs: 10_000,
  lastLever: 'deny',
  btrfsMaintenance: 'pauseBalance',
  lanes: undefined,
  pollIntervalMs: 5 * 60_000,
  metricsFile: undefined,
  notify: undefined,
  manifestContainerFile: undefined,
};

/**
 * How an unknown key or value in `[Flashfreeze]` is handled: as an error if a user has just typed a command, as a
 * warning if no user is present and the backup matters more.
 */
export type OwnMistakes = 'refuse' | 'warn';

export interface VmBackupConfigurationResult {
  readonly configuration: VmBackupConfiguration;
  /** The parts of the file that were ignored, as sentences for people. */
  readonly warnings: readonly string[];
}

/**
 * Reads the configuration file. If the file is missing, unreadable or malformed, or a value in `[SnapshotThread]` makes
 * no sense, the defaults are used: a backup does not fail because of a file that other tools share. `warnings` lists
 * the parts that were ignored.
 *
 * @throws FlashfreezeError FF_CONFIG_INVALID for an unknown key or value in our section `[Flashfreeze]`
 */
export function readVmBackupConfiguration(
  path: string = VM_BACKUP_CONFIGURATION_PATH,
  mistakes: OwnMistakes = 'refuse',
): VmBackupConfigurationResult {
  try {
    return withTrustedCommand(
      parseVmBackupConfiguration(readFileSync(path, 'utf8'), path, mistakes),
      path,
    );
  } catch (error) {
    if (error instanceof FlashfreezeError || !(error instanceof Error && 'code' in error)) {
      throw error;
    }
    const warnings =
      error.code === 'ENOENT' ? [] : [`cannot read ${path} (${error.code}); the defaults are used`];
    return { configuration: DEFAULT_VM_BACKUP_CONFIGURATION, warnings };
  }
}

/** Others may read the file, but a user who can write it could have any program run as root. */
const FORBIDDEN_MODE = 0o022;

/** Drops the command if another user than root could have named it. */
function withTrustedCommand(
  { configuration, warnings }: VmBackupConfigurationResult,
  path: string,
): VmBackupConfigurationResult {
  if (configuration.notify === undefined) {
    return { configuration, warnings };
  }
  const file = openTrustedFile(path, FORBIDDEN_MODE);
  if (file.ok) {
    file[Symbol.dispose]();
    return { configuration, warnings };
  }
  return {
    configuration: { ...configuration, notify: undefined },
    warnings: [...warnings, `notify is ignored: ${file.message}`],
  };
}

/** @param path only named in messages */
export function parseVmBackupConfiguration(
  text: string,
  path: string,
  mistakes: OwnMistakes = 'refuse',
): VmBackupConfigurationResult {
  const { sections, problems } = parsePythonIni(text);
  const { settings, warnings } = readShared(sections.get('SnapshotThread') ?? new Map());
  if (sections.has('Monitor')) {
    warnings.push(MONITOR_REMARK);
  }
  warnings.push(...misspeltNames(sections, KNOWN_NAMES, 'SnapshotThread'));
  const own = readKeys(sections.get('Flashfreeze') ?? new Map(), OWN_KEYS, {
    path,
    section: 'Flashfreeze',
  });
  const [firstMistake] = own.mistakes;
  if (firstMistake !== undefined && mistakes === 'refuse') {
    throw new FlashfreezeError('FF_CONFIG_INVALID', firstMistake);
  }
  return {
    configuration: { ...DEFAULT_VM_BACKUP_CONFIGURATION, ...settings, ...own.settings },
    warnings: [
      ...[...problems, ...warnings].map((warning) => `${path}: ${warning}`),
      ...own.mistakes.map((mistake) => `${mistake} This line is ignored.`),
    ],
  };
}

/** The replaced extension's debugging aid; it traces its own processes. */
const MONITOR_REMARK =
  'the section [Monitor] is not supported and is ignored; the timeline of each run is in the folder runs beside extension.log';

/** Longer than any writer can bear to be blocked; and a Node timer that is too long would fire at once. */
export const MAX_STANDSTILL_S = 3_600;
const MAX_INTERVAL_S = 86_400;

const NO_FREEZE_REMARK =
  'fsfreeze is off: the extension freezes nothing, so its snapshots are crash-consistent and each disk shows another instant; remove the line, or set True (commands freeze nevertheless)';

const SHARED_KEYS: readonly ConfigurationKey<VmBackupConfiguration>[] = [
  cappedSeconds('timeout', MAX_STANDSTILL_S, (timeoutMs) => ({ timeoutMs })),
  {
    name: 'MountsToSkip',
    expected: 'mount points, separated by commas',
    read: (value) => ({ mountsToSkip: listOf(value) }),
  },
  {
    name: 'seqsnapshot',
    expected: '0, 1 or 2',
    read: (value) =>
      /^0*[012]$/.test(value) ? { sequentialSnapshot: Number(value) === 2 } : undefined,
    // The replaced extension writes 1 by itself, when its threads were slow once.
    remark: (value) =>
      Number(value) === 1
        ? 'seqsnapshot = 1 is ignored, because another extension writes it by itself; set 2 for one snapshot after the other, or remove the line'
        : undefined,
  },
  cappedSeconds('SafeFreezeWaitInSeconds', MAX_STANDSTILL_S, (waveLimitMs) => ({ waveLimitMs })),
  choice('SnapshotMethod', SNAPSHOT_METHODS, (snapshotMethod) => ({ snapshotMethod })),
  flag('UploadStatusAndLog', (uploadStatusAndLog) => ({ uploadStatusAndLog })),
  flag('WriteLog', (writeLog) => ({ writeLog })),
  flag('LoggingOff', (off) => ({ logsWhileFrozen: !off })),
  flag('disable_logging', (off) => ({ events: !off })),
  flag('OnAppFailureDoFsFreeze', (freezeAfterAppFailure) => ({ freezeAfterAppFailure })),
  flag('OnAppSuccessDoFsFreeze', (freezeAfterAppSuccess) => ({ freezeAfterAppSuccess })),
  flag('onlyLocalFilesystems', (onlyLocalFileSystems) => ({ onlyLocalFileSystems })),
  {
    ...flag<VmBackupConfiguration>('fsfreeze', (freeze) => ({ freeze })),
    remark: (value) => (isFalse(value) ? NO_FREEZE_REMARK : undefined),
  },
];

const OWN_KEYS: readonly ConfigurationKey<VmBackupConfiguration>[] = [
  choice('fire', FIRE_RULES, (fire) => ({ fire })),
  flag('retryStuckFreeze', (retryStuckFreeze) => ({ retryStuckFreeze })),
  seconds('waveLimit', MAX_STANDSTILL_S, (waveLimitMs) => ({ waveLimitMs })),
  seconds('flushLimit', MAX_STANDSTILL_S, (flushLimitMs) => ({ flushLimitMs })),
  seconds('patience', MAX_STANDSTILL_S, (patienceMs) => ({ patienceMs })),
  choice('lastLever', LAST_LEVERS, (lastLever) => ({ lastLever })),
  choice('btrfsMaintenance', BTRFS_MAINTENANCE, (btrfsMaintenance) => ({ btrfsMaintenance })),
  {
    name: 'lanes',
    expected: 'a whole number from 1 to 64',
    read: (value) => {
      const lanes = Number(value);
      return Number.isInteger(lanes) && lanes >= 1 && lanes <= 64 ? { lanes } : undefined;
    },
  },
  seconds('pollInterval', MAX_INTERVAL_S, (pollIntervalMs) => ({ pollIntervalMs })),
  {
    name: 'metricsFile',
    expected: 'the absolute path of a file that ends in .prom',
    read: (value) => (/^\/.*\.prom$/.test(value) ? { metricsFile: value } : undefined),
  },
  {
    name: 'notify',
    mayHoldSecret: true,
    expected: 'the absolute path of a program, and its arguments',
    read: (value) => {
      const notify = commandWords(value);
      return notify === undefined ? undefined : { notify };
    },
  },
  {
    name: 'manifestContainerFile',
    expected: 'the absolute path of a file with the URL of a container',
    read: (value) => (/^\/./.test(value) ? { manifestContainerFile: value } : undefined),
  },
];

const KNOWN_NAMES = {
  SnapshotThread: SHARED_KEYS.map(({ name }) => name),
  Flashfreeze: OWN_KEYS.map(({ name }) => name),
  // `readRetention` refuses what it does not know.
  ...{ Retention: [], Monitor: [] },
};

function readShared(section: IniSection): {
  settings: Partial<VmBackupConfiguration>;
  warnings: string[];
} {
  const warnings: string[] = [];
  let settings: Partial<VmBackupConfiguration> = {};
  for (const { name, expected, read, remark } of SHARED_KEYS) {
    // A key without a value sets nothing.
    const value = section.get(name.toLowerCase()) || undefined;
    const set = value === undefined ? {} : read(value);
    if (set === undefined) {
      warnings.push(`${name} = ${value}: expected ${expected}; the default is used`);
    }
    const remarked = value === undefined ? undefined : remark?.(value);
    if (remarked !== undefined) {
      warnings.push(remarked);
    }
    settings = { ...settings, ...set };
  }
  return { settings, warnings };
}
