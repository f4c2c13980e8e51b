import { isBlank, member } from '../../system/json.ts';
import { overTls, percentEncoded } from './uri.ts';

/** What a report on a task needs, even if the other settings are wrong. */
export interface ReportSettings {
  /** Empty if the settings name none. */
  readonly taskId: string;
  /** As given, not checked; empty if there are none. */
  readonly startTicks: string;
  readonly locale: string;
  /** True for `microsoft.compute/virtualmachines`. */
  readonly isV2: boolean;
  readonly logsBlobUri: string | undefined;
  readonly statusBlobUri: string | undefined;
}

export const DEFAULT_LOCALE = 'en-US';
const V2 = 'microsoft.compute/virtualmachines';

/**
 * Reads what a report needs. Never throws: a value of the wrong form counts as not given, so that a task
 * with wrong settings still gets a report.
 */
export function interpretReportSettings(
  publicSettings: unknown,
  protectedSettings: unknown,
): ReportSettings {
  const ofPublic = (name: string): string | undefined => textOf(member(publicSettings, name));
  const uriOf = (name: string): string | undefined => {
    const uri = ofPublic(name) ?? textOf(member(protectedSettings, name));
    return uri === undefined ? undefined : overTls(percentEncoded(uri));
  };
  return {
    taskId: ofPublic('taskId') ?? '',
    startTicks: ofPublic('commandStartTimeUTCTicks') ?? '',
    locale: ofPublic('locale') ?? DEFAULT_LOCALE,
    isV2: ofPublic('vmType')?.toLowerCase() === V2,
    logsBlobUri: uriOf('logsBlobUri'),
    statusBlobUri: uriOf('statusBlobUri'),
  };
}

function textOf(value: unknown): string | undefined {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const text = isNumber ? String(value) : value;
  return typeof text === 'string' && !isBlank(text) ? text.trim() : undefined;
}
