/**
 * Result codes and their names as agents and the backup service read them (status.md, Result codes).
 */
export const RESULT_CODES = {
  0: 'success_appconsistent',
  1: 'success',
  2: 'error',
  3: 'SuccessAlreadyProcessedInput',
  4: 'ExtensionTempTerminalState',
  11: 'error_parameter',
  12: 'error_12',
  15: 'error_http_failure',
  16: 'FailedHandlerGuestAgentCertificateNotFound',
  17: 'FailedInvalidDataDiskLunList',
  76: 'FailedRetryableSnapshotFailedNoNetwork',
  85: 'FailedSnapshotLimitReached',
  121: 'FailedRetryableFsFreezeFailed',
  122: 'FailedRetryableFsFreezeTimeout',
  123: 'FailedRetryableUnableToOpenMount',
  124: 'FailedSafeFreezeBinaryNotFound',
  173: 'FailedRetryableSnapshotRateExceeded',
  402: 'FailedGuestAgentInvokedCommandTooLate',
  761: 'FailedRetryableSnapshotFailedRestrictedNetwork',
} as const;

export type ResultCode = keyof typeof RESULT_CODES;

/** What the snapshots of a run are worth (status.md, telemetry key consistencyType). */
export type Consistency =
  | 'none'
  | 'crashConsistent'
  | 'fileSystemConsistent'
  | 'applicationConsistent';
