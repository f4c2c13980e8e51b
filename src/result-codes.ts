/** The health that the portal shows for a VM with this result (status.md, vmHealthInfo). */
export type Health = 'green' | 'yellow' | 'red';

interface Result {
  readonly name: string;
  readonly health: Health;
}

/** Every result code with its name; agents and the backup service read both (status.md, Result codes). */
export const RESULTS = {
  0: { name: 'success_appconsistent', health: 'green' },
  1: { name: 'success', health: 'green' },
  2: { name: 'error', health: 'green' },
  3: { name: 'SuccessAlreadyProcessedInput', health: 'green' },
  4: { name: 'ExtensionTempTerminalState', health: 'green' },
  11: { name: 'error_parameter', health: 'yellow' },
  12: { name: 'error_12', health: 'green' },
  15: { name: 'error_http_failure', health: 'red' },
  16: { name: 'FailedHandlerGuestAgentCertificateNotFound', health: 'yellow' },
  17: { name: 'FailedInvalidDataDiskLunList', health: 'green' },
  76: { name: 'FailedRetryableSnapshotFailedNoNetwork', health: 'red' },
  85: { name: 'FailedSnapshotLimitReached', health: 'red' },
  121: { name: 'FailedRetryableFsFreezeFailed', health: 'yellow' },
  122: { name: 'FailedRetryableFsFreezeTimeout', health: 'yellow' },
  123: { name: 'FailedRetryableUnableToOpenMount', health: 'yellow' },
  124: { name: 'FailedSafeFreezeBinaryNotFound', health: 'yellow' },
  173: { name: 'FailedRetryableSnapshotRateExceeded', health: 'green' },
  300: { name: 'FailedPrepostPreScriptFailed', health: 'yellow' },
  301: { name: 'FailedPrepostPostScriptFailed', health: 'yellow' },
  302: { name: 'FailedPrepostPreScriptNotFound', health: 'yellow' },
  303: { name: 'FailedPrepostPostScriptNotFound', health: 'yellow' },
  304: { name: 'FailedPrepostPluginhostConfigParsing', health: 'yellow' },
  305: { name: 'FailedPrepostPluginConfigParsing', health: 'yellow' },
  306: { name: 'FailedPrepostPreScriptPermissionError', health: 'yellow' },
  307: { name: 'FailedPrepostPostScriptPermissionError', health: 'yellow' },
  308: { name: 'FailedPrepostPreScriptTimeout', health: 'yellow' },
  309: { name: 'FailedPrepostPostScriptTimeout', health: 'yellow' },
  310: { name: 'FailedPrepostPluginhostPreTimeout', health: 'yellow' },
  311: { name: 'FailedPrepostPluginhostPostTimeout', health: 'yellow' },
  312: { name: 'FailedPrepostCheckSumMismatch', health: 'yellow' },
  313: { name: 'FailedPrepostPluginhostConfigNotFound', health: 'yellow' },
  314: { name: 'FailedPrepostPluginhostConfigPermissionError', health: 'yellow' },
  315: { name: 'FailedPrepostPluginhostConfigOwnershipError', health: 'yellow' },
  316: { name: 'FailedPrepostPluginConfigNotFound', health: 'yellow' },
  317: { name: 'FailedPrepostPluginConfigPermissionError', health: 'yellow' },
  318: { name: 'FailedPrepostPluginConfigOwnershipError', health: 'yellow' },
  402: { name: 'FailedGuestAgentInvokedCommandTooLate', health: 'red' },
  500: { name: 'FailedWorkloadPreError', health: 'yellow' },
  501: { name: 'FailedWorkloadConfParsingError', health: 'yellow' },
  502: { name: 'FailedWorkloadInvalidRole', health: 'yellow' },
  503: { name: 'FailedWorkloadInvalidWorkloadName', health: 'yellow' },
  504: { name: 'FailedWorkloadPostError', health: 'yellow' },
  505: { name: 'FailedWorkloadAuthorizationMissing', health: 'yellow' },
  506: { name: 'FailedWorkloadConnectionError', health: 'yellow' },
  507: { name: 'FailedWorkloadIPCDirectoryMissing', health: 'yellow' },
  508: { name: 'FailedWorkloadDatabaseStatusChanged', health: 'yellow' },
  509: { name: 'FailedWorkloadQuiescingError', health: 'yellow' },
  510: { name: 'FailedWorkloadQuiescingTimeout', health: 'yellow' },
  511: { name: 'FailedWorkloadDatabaseInNoArchiveLog', health: 'yellow' },
  512: { name: 'FailedWorkloadLogModeChanged', health: 'yellow' },
  556: { name: 'FailedHostSnapshotRemoteServerError', health: 'red' },
  761: { name: 'FailedRetryableSnapshotFailedRestrictedNetwork', health: 'red' },
} as const satisfies Readonly<Record<number, Result>>;

export type ResultCode = keyof typeof RESULTS;

/** The consistency of the snapshots of a run (status.md, consistencyType). */
export type Consistency =
  | 'none'
  | 'crashConsistent'
  | 'fileSystemConsistent'
  | 'applicationConsistent';
