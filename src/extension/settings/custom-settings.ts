import { isBlank, isJsonObject, member, parseJson } from '../../system/json.ts';
import type { CustomSettings } from '../task-types.ts';
import {
  fittingItems,
  flag,
  given,
  LUNS,
  list,
  lun,
  PROTECTED,
  PUBLIC,
  readFields,
  snapshotMethod,
  text,
  type Warn,
  wholeNumber,
} from './schema.ts';

const CUSTOM_SETTINGS = {
  takeSnapshotFrom: given(snapshotMethod),
  isManagedVm: flag,
  backupTaskId: given(text),
  waDiskLunList: list(lun, LUNS),
  canTakeCrashConsistentSnapshot: flag,
  backupRetryCount: given(wholeNumber(0)),
  isOnlyOSDiskBackupEnabled: flag,
};

/** Reads `customSettings`, of the public settings first. They change how a task is done, so no mistake in them ends it. */
export function readCustomSettings(
  publicSettings: unknown,
  protectedSettings: unknown,
  warn: Warn,
): CustomSettings {
  const { value, label } = customSettingsText(publicSettings, PUBLIC, warn) ??
    customSettingsText(protectedSettings, PROTECTED, warn) ?? { value: {}, label: '' };
  const name = 'waDiskLunList';
  const luns = fittingItems(lun, member(value, name), name, label, warn);
  const custom = readFields(CUSTOM_SETTINGS, [], { ...value, [name]: luns }, label, warn);
  return {
    takeSnapshotFrom: custom.takeSnapshotFrom,
    isManagedVm: custom.isManagedVm,
    backupTaskId: custom.backupTaskId,
    writeAcceleratedLuns: [...new Set(custom.waDiskLunList ?? [])],
    canTakeCrashConsistentSnapshot: custom.canTakeCrashConsistentSnapshot,
    backupRetryCount: custom.backupRetryCount ?? 0,
    isOnlyOsDiskBackupEnabled:
      member(value, 'isOnlyOSDiskBackupEnabled') === undefined
        ? undefined
        : custom.isOnlyOSDiskBackupEnabled,
  };
}

/** JSON in a string, or an object if the sender has not encoded it as a string. */
function customSettingsText(
  settings: unknown,
  where: string,
  warn: Warn,
): { value: object; label: string } | undefined {
  const label = `customSettings of ${where}`;
  const given = member(settings, 'customSettings');
  if (isBlank(given)) {
    return undefined;
  }
  try {
    const value = typeof given === 'string' ? parseJson(given, label) : given;
    if (isBlank(value)) {
      return undefined;
    }
    if (isJsonObject(value)) {
      return { value, label };
    }
    warn(`${label} must be an object; the defaults are used`);
  } catch {
    warn(`${label} is not valid JSON; the defaults are used`);
  }
  return { value: {}, label };
}
