import { type Redaction, redact } from '../../log/redaction.ts';
import type { TaskReport } from '../task-types.ts';

/**
 * The report without secrets. Redact before rendering: rendering escapes secrets, which then no longer match.
 *
 * A known secret, which may be a password such as `vhds`, is replaced in sentences only (as by `redactTexts`): readers compare URIs
 * byte for byte, and a time or a size without some of its digits is another one. What looks like a secret is replaced everywhere.
 */
export function redactReport(report: TaskReport, redaction: Redaction): TaskReport {
  return {
    ...report,
    message: redaction.redact(report.message),
    telemetry: report.telemetry.map(([key, value]) => [key, redact(value)]),
    snapshots: report.snapshots.map((snapshot) => ({
      ...snapshot,
      snapshotUri: snapshot.snapshotUri === undefined ? undefined : redact(snapshot.snapshotUri),
      errorMessage: redaction.redact(snapshot.errorMessage),
      blobUri: snapshot.blobUri === undefined ? undefined : redact(snapshot.blobUri),
    })),
  };
}
