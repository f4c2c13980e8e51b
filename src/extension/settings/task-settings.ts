import type { GenericSchema, InferOutput } from 'valibot';
import { FlashfreezeError } from '../../errors.ts';
import { OS_DISK_LUN } from '../../filesystems/plan-types.ts';
import { type Blob, parseBlobs } from '../../snapshot/blob/blob.ts';
import { isBlank, member, parseJson } from '../../system/json.ts';
import type {
  CustomSettings,
  IncludedDisks,
  Pair,
  ScheduledStart,
  TaskSettings,
} from '../task-types.ts';
import { readEncodedObject } from './encoded-object.ts';
import { interpretReportSettings } from './report-settings.ts';
import {
  flag,
  given,
  list,
  lun,
  object,
  orEmpty,
  pair,
  readBy,
  snapshotMethod,
  text,
  wholeNumber,
} from './schema.ts';
import { readTicks } from './ticks.ts';
import { percentEncoded } from './uri.ts';

const PUBLIC = 'the settings';
const PROTECTED = 'protectedSettings';
const LUNS = 'an array of LUNs';
const PAIRS = 'an array of Key/Value pairs';

const SETTINGS = object({
  taskId: given(text),
  commandToExecute: given(text),
  commandStartTimeUTCTicks: given(text),
  locale: given(text),
  vmType: given(text),
  objectStr: given(text),
  snapshotTaskToken: given(text),
});

const PROTECTED_SETTINGS = object({ objectStr: given(text), snapshotTaskToken: given(text) });

const INCLUDED_DISKS = object({
  dataDiskLunList: list(lun, LUNS),
  isOSDiskIncluded: flag,
  isAnyDiskExcluded: flag,
  isVmgsBlobIncluded: flag,
  isAnyWADiskIncluded: flag,
  isAnyDirectDriveDiskIncluded: flag,
  isVmmdBlobIncluded: flag,
  isVMADEEnabled: flag,
  instantAccessDurationMinutes: given(wholeNumber(0)),
});

const PUBLIC_OBJECT = object({
  backupMetadata: list(pair, PAIRS),
  snapshotTaskToken: given(text),
  includedDisks: orEmpty(INCLUDED_DISKS),
  dynamicConfigsFromCRP: list(pair, PAIRS),
});

const PROTECTED_OBJECT = object({ blobSASUri: list(text, 'an array of SAS URIs') });

const CUSTOM_SETTINGS = object({
  takeSnapshotFrom: given(snapshotMethod),
  isManagedVm: flag,
  backupTaskId: given(text),
  waDiskLunList: list(lun, LUNS),
  canTakeCrashConsistentSnapshot: flag,
  backupRetryCount: given(wholeNumber(0)),
  isOnlyOSDiskBackupEnabled: flag,
});

/**
 * Checks and interprets a task's settings (settings.md, Extension resource). A member that either part
 * may have is taken from the public part first. Names ignore case; unknown members are ignored.
 *
 * @param publicSettings `publicSettings` of the settings file
 * @param protectedSettings decrypted; secret
 * @throws FlashfreezeError FF_SETTINGS_INVALID (result 11) naming the field, never its value
 */
export function interpretSettings(
  publicSettings: unknown,
  protectedSettings: unknown,
): TaskSettings {
  const settings = readBy(SETTINGS, publicSettings ?? {}, PUBLIC);
  const secrets = readBy(PROTECTED_SETTINGS, protectedSettings ?? {}, PROTECTED);
  const publicObject = objectOf(PUBLIC_OBJECT, settings.objectStr, PUBLIC);
  const protectedObject = objectOf(PROTECTED_OBJECT, secrets.objectStr, PROTECTED);
  const command = commandOf(settings.commandToExecute);
  const { taskId, locale, isV2, logsBlobUri, statusBlobUri } = interpretReportSettings(
    publicSettings,
    protectedSettings,
  );
  const dynamic = dynamicConfigsOf(publicObject.dynamicConfigsFromCRP ?? []);
  return {
    taskId,
    command,
    start: startOf(settings.commandStartTimeUTCTicks),
    locale,
    isV2,
    blobs: blobsOf(protectedObject.blobSASUri ?? []),
    metadata: metadataOf(publicObject.backupMetadata, command),
    logsBlobUri,
    statusBlobUri,
    snapshotTaskToken:
      settings.snapshotTaskToken ?? publicObject.snapshotTaskToken ?? secrets.snapshotTaskToken,
    includedDisks: includedDisksOf(publicObject.includedDisks),
    dynamicConfigs: dynamic.known,
    custom: customSettingsOf(publicSettings, protectedSettings),
    warnings: [
      ...typeWarnings(settings.vmType),
      ...['logsBlobUri', 'statusBlobUri'].flatMap((name) =>
        uriWarnings(name, publicSettings, protectedSettings),
      ),
      ...dynamic.warnings,
    ],
  };
}

/** Reads a settings object or an `objectStr`; a missing object counts as an empty one. */
function objectOf<const Schema extends GenericSchema>(
  schema: Schema,
  encoded: string | undefined,
  where: string,
): InferOutput<Schema> {
  const label = `objectStr of ${where}`;
  const decoded = encoded === undefined ? undefined : readEncodedObject(encoded, label);
  return readBy(schema, decoded ?? {}, label);
}

function commandOf(text: string | undefined): TaskSettings['command'] {
  const command = text?.toLowerCase() ?? '';
  if (command.includes('snapshot')) {
    return 'snapshot';
  }
  if (command === 'install') {
    return 'install';
  }
  const given = text === undefined ? 'is missing' : 'is unknown';
  throw invalid(`commandToExecute of ${PUBLIC} ${given}; expected snapshot or install`);
}

function startOf(ticks: string | undefined): ScheduledStart | undefined {
  const start = ticks === undefined ? undefined : readTicks(ticks);
  if (ticks !== undefined && start === undefined) {
    throw invalid(
      `commandStartTimeUTCTicks of ${PUBLIC} must be .NET ticks, a whole number in decimal digits such as 636458000000000000 (scientific notation has lost digits)`,
    );
  }
  return start;
}

function blobsOf(uris: readonly string[]): Blob[] {
  const given = uris.map((uri) => ({ url: percentEncoded(uri), device: undefined }));
  try {
    return parseBlobs(given, (index) => `blobSASUri[${index}] of objectStr of ${PROTECTED}`);
  } catch (error) {
    throw error instanceof FlashfreezeError ? invalid(error.message) : error;
  }
}

type Pairs = readonly { readonly Key: string; readonly Value: string }[];

/** A request can carry each name once; HTTP headers ignore case. */
function lastOfEach(pairs: Iterable<Pair>): Pair[] {
  const byName = new Map<string, Pair>();
  for (const pair of pairs) {
    byName.set(pair[0].toLowerCase(), pair);
  }
  return [...byName.values()];
}

function metadataOf(pairs: Pairs | undefined, command: TaskSettings['command']): Pair[] {
  if (pairs === undefined && command === 'snapshot') {
    throw invalid(`backupMetadata is missing from objectStr of ${PUBLIC}; a snapshot needs it`);
  }
  return lastOfEach((pairs ?? []).map(({ Key, Value }): Pair => [Key, Value]));
}

/** Names as the host service spells them (settings.md). */
const DYNAMIC_CONFIGS = [
  'isSnapshotTtlEnabled',
  'useMccfToFetchDsasForAllDisks',
  'useMccfForLad',
  'EnableVMSnapshotExtensionPolling',
] as const;

function dynamicConfigsOf(pairs: Pairs): { known: Pair[]; warnings: string[] } {
  const known: Pair[] = [];
  const warnings: string[] = [];
  for (const { Key, Value } of pairs) {
    const name = DYNAMIC_CONFIGS.find((each) => each.toLowerCase() === Key.toLowerCase());
    if (name === undefined) {
      warnings.push(`dynamicConfigsFromCRP: the key ${printable(Key)} is not known and is ignored`);
    } else {
      known.push([name, Value]);
    }
  }
  return { known: lastOfEach(known), warnings };
}

function includedDisksOf(given: InferOutput<typeof INCLUDED_DISKS>): IncludedDisks {
  const luns = [...(given.dataDiskLunList ?? []), ...(given.isOSDiskIncluded ? [OS_DISK_LUN] : [])];
  const isListed = given.dataDiskLunList !== undefined || given.isOSDiskIncluded;
  return {
    luns: isListed ? [...new Set(luns)] : undefined,
    isOsDiskIncluded: given.isOSDiskIncluded,
    isAnyDiskExcluded: given.isAnyDiskExcluded,
    isVmgsBlobIncluded: given.isVmgsBlobIncluded,
    isAnyWriteAcceleratedDiskIncluded: given.isAnyWADiskIncluded,
    isAnyDirectDriveDiskIncluded: given.isAnyDirectDriveDiskIncluded,
    isVmmdBlobIncluded: given.isVmmdBlobIncluded,
    isVmAdeEnabled: given.isVMADEEnabled,
    instantAccessDurationMinutes: given.instantAccessDurationMinutes,
  };
}

function customSettingsOf(publicSettings: unknown, protectedSettings: unknown): CustomSettings {
  const given = customSettingsText(publicSettings, PUBLIC) ??
    customSettingsText(protectedSettings, PROTECTED) ?? { value: {}, label: 'customSettings' };
  const custom = readBy(CUSTOM_SETTINGS, given.value, given.label);
  return {
    takeSnapshotFrom: custom.takeSnapshotFrom,
    isManagedVm: custom.isManagedVm,
    backupTaskId: custom.backupTaskId,
    writeAcceleratedLuns: [...new Set(custom.waDiskLunList ?? [])],
    canTakeCrashConsistentSnapshot: custom.canTakeCrashConsistentSnapshot,
    backupRetryCount: custom.backupRetryCount ?? 0,
    isOnlyOsDiskBackupEnabled: custom.isOnlyOSDiskBackupEnabled,
  };
}

/** JSON in a string, or an object if the sender has not encoded it as a string. */
function customSettingsText(
  settings: unknown,
  where: string,
): { value: unknown; label: string } | undefined {
  const label = `customSettings of ${where}`;
  const given = member(settings, 'customSettings');
  const value = typeof given === 'string' && !isBlank(given) ? parseJson(given, label) : given;
  return isBlank(value) ? undefined : { value, label };
}

const VM_TYPES = ['microsoft.compute/virtualmachines', 'microsoft.classiccompute/virtualmachines'];

function typeWarnings(vmType: string | undefined): string[] {
  return vmType === undefined || VM_TYPES.includes(vmType.toLowerCase())
    ? []
    : [`vmType is neither ${VM_TYPES.join(' nor ')}; the status file shows the outcome itself`];
}

/** A report address that cannot be used does not stop the snapshots. */
function uriWarnings(name: string, ...parts: readonly unknown[]): string[] {
  const values = parts.map((part) => member(part, name)).filter((value) => !isBlank(value));
  return values.some((value) => typeof value !== 'string') ? [`ignoring ${name}: not text`] : [];
}

function printable(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : '(not a plain word)';
}

function invalid(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_SETTINGS_INVALID', `${message}.`);
}
