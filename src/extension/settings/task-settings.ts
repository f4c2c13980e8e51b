import * as v from 'valibot';
import { FlashfreezeError } from '../../errors.ts';
import { isBlank, isJsonObject, member } from '../../system/json.ts';
import type { Pair, ScheduledStart, TaskSettings } from '../task-types.ts';
import { readCustomSettings } from './custom-settings.ts';
import { readEncodedObject } from './encoded-object.ts';
import { readIncludedDisks } from './included-disks.ts';
import { interpretReportSettings } from './report-settings.ts';
import {
  fittingItems,
  given,
  list,
  PROTECTED,
  PUBLIC,
  pair,
  readFields,
  text,
  type Warn,
} from './schema.ts';
import { readBlobs } from './task-blobs.ts';
import { readTicks } from './ticks.ts';

const PAIRS = 'an array of Key/Value pairs';

const SETTINGS = {
  taskId: given(text),
  commandToExecute: given(text),
  commandStartTimeUTCTicks: given(text),
  locale: given(text),
  vmType: given(text),
  objectStr: given(text),
  snapshotTaskToken: given(text),
};

const PROTECTED_SETTINGS = { objectStr: given(text), snapshotTaskToken: given(text) };

const PUBLIC_OBJECT = {
  backupMetadata: list(pair, PAIRS),
  snapshotTaskToken: given(text),
  includedDisks: v.unknown(),
  dynamicConfigsFromCRP: list(pair, PAIRS),
};

const PROTECTED_OBJECT = { blobSASUri: v.unknown() };

/**
 * Checks and interprets a task's settings (settings.md, Extension resource). A member that either part
 * may have is taken from the public part first. Names ignore case; unknown members are ignored. A member of the wrong
 * form is a warning and counts as not given, unless it says what is to be done or which disks the task is for.
 *
 * @param publicSettings `publicSettings` of the settings file
 * @param protectedSettings decrypted; secret
 * @throws FlashfreezeError FF_SETTINGS_INVALID (result 11) naming the field, never its value
 */
export function interpretSettings(
  publicSettings: unknown,
  protectedSettings: unknown,
): TaskSettings {
  const warnings: string[] = [];
  const warn: Warn = (sentence) => warnings.push(sentence);
  const settings = readFields(
    SETTINGS,
    ['commandToExecute', 'objectStr'],
    publicSettings ?? {},
    PUBLIC,
    warn,
  );
  const secrets = readFields(
    PROTECTED_SETTINGS,
    ['objectStr'],
    protectedSettings ?? {},
    PROTECTED,
    warn,
  );
  const publicObject = publicObjectOf(settings.objectStr, warn);
  const command = commandOf(settings.commandToExecute);
  const { taskId, locale, isV2, logsBlobUri, statusBlobUri } = interpretReportSettings(
    publicSettings,
    protectedSettings,
  );
  const { blobs, blobProblem } = blobsOf(secrets.objectStr, warn);
  warnOfType(settings.vmType, warn);
  for (const name of ['logsBlobUri', 'statusBlobUri']) {
    warnOfUri(name, warn, publicSettings, protectedSettings);
  }
  return {
    taskId,
    command,
    start: startOf(settings.commandStartTimeUTCTicks, warn),
    locale,
    isV2,
    blobs,
    blobProblem,
    metadata: metadataOf(publicObject.backupMetadata, command),
    logsBlobUri,
    statusBlobUri,
    snapshotTaskToken:
      settings.snapshotTaskToken ?? publicObject.snapshotTaskToken ?? secrets.snapshotTaskToken,
    includedDisks: readIncludedDisks(
      publicObject.includedDisks,
      `includedDisks of ${PUBLIC_OBJECT_LABEL}`,
      warn,
    ),
    dynamicConfigs: dynamicConfigsOf(publicObject.dynamicConfigsFromCRP ?? [], warn),
    custom: readCustomSettings(publicSettings, protectedSettings, warn),
    warnings,
  };
}

const PUBLIC_OBJECT_LABEL = `objectStr of ${PUBLIC}`;
const PROTECTED_OBJECT_LABEL = `objectStr of ${PROTECTED}`;

/** A missing object counts as an empty one. */
function objectOf(encoded: string | undefined, label: string, warn: Warn): unknown {
  return (encoded === undefined ? undefined : readEncodedObject(encoded, label, warn)) ?? {};
}

function publicObjectOf(encoded: string | undefined, warn: Warn) {
  const label = PUBLIC_OBJECT_LABEL;
  const given = objectOf(encoded, label, warn);
  const pairsOf = (name: string): unknown =>
    fittingItems(pair, listFrom(member(given, name)), name, label, warn);
  const cleaned = isJsonObject(given)
    ? {
        ...given,
        backupMetadata: pairsOf('backupMetadata'),
        dynamicConfigsFromCRP: pairsOf('dynamicConfigsFromCRP'),
      }
    : given;
  const { backupMetadata, ...read } = readFields(PUBLIC_OBJECT, [], cleaned, label, warn);
  const isMissing = (member(given, 'backupMetadata') ?? undefined) === undefined;
  return { ...read, backupMetadata: isMissing ? undefined : (backupMetadata ?? []) };
}

/** Some senders write a list of one object as that object. */
function listFrom(value: unknown): unknown {
  return isJsonObject(value) ? [value] : value;
}

function blobsOf(encoded: string | undefined, warn: Warn): ReturnType<typeof readBlobs> {
  const label = PROTECTED_OBJECT_LABEL;
  const given = objectOf(encoded, label, warn);
  const { blobSASUri } = readFields(PROTECTED_OBJECT, [], given, label, warn);
  const read = readBlobs(blobSASUri, label);
  if (read.blobProblem !== undefined) {
    warn(`the guest cannot take the snapshots: ${read.blobProblem.message}`);
  }
  return read;
}

function commandOf(text: string | undefined): TaskSettings['command'] {
  const command = text?.toLowerCase() ?? '';
  // Of a command with both words, the service's own extension does the second, too.
  if (command.includes('install')) {
    return 'install';
  }
  if (command.includes('snapshot')) {
    return 'snapshot';
  }
  const given = text === undefined ? 'is missing' : 'is unknown';
  throw invalid(`commandToExecute of ${PUBLIC} ${given}; expected snapshot or install`);
}

function startOf(ticks: string | undefined, warn: Warn): ScheduledStart | undefined {
  const start = ticks === undefined ? undefined : readTicks(ticks);
  if (ticks !== undefined && start === undefined) {
    warn(
      `commandStartTimeUTCTicks of ${PUBLIC} must be .NET ticks, a whole number in decimal digits such as 636458000000000000 (scientific notation has lost digits); it is ignored`,
    );
  }
  return start;
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

function dynamicConfigsOf(pairs: Pairs, warn: Warn): Pair[] {
  const known: Pair[] = [];
  for (const { Key, Value } of pairs) {
    const name = DYNAMIC_CONFIGS.find((each) => each.toLowerCase() === Key.toLowerCase());
    if (name === undefined) {
      warn(`dynamicConfigsFromCRP: the key ${printable(Key)} is not known and is ignored`);
    } else {
      known.push([name, Value]);
    }
  }
  return lastOfEach(known);
}

const VM_TYPES = ['microsoft.compute/virtualmachines', 'microsoft.classiccompute/virtualmachines'];

function warnOfType(vmType: string | undefined, warn: Warn): void {
  if (vmType !== undefined && !VM_TYPES.includes(vmType.toLowerCase())) {
    warn(`vmType is neither ${VM_TYPES.join(' nor ')}; the status file shows the outcome itself`);
  }
}

/** A report address that cannot be used does not stop the snapshots. */
function warnOfUri(name: string, warn: Warn, ...parts: readonly unknown[]): void {
  const values = parts.map((part) => member(part, name)).filter((value) => !isBlank(value));
  if (values.some((value) => typeof value !== 'string')) {
    warn(`ignoring ${name}: not text`);
  }
}

function printable(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : '(not a plain word)';
}

function invalid(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_SETTINGS_INVALID', `${message}.`);
}
