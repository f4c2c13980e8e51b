import type { Redaction } from '../../log/redaction.ts';
import type { TaskReport } from '../task-types.ts';

/**
 * The report with every free text redacted. Redact before rendering: rendering escapes secrets, which
 * then no longer match.
 */
export function redactReport(report: TaskReport, redaction: Redaction): TaskReport {
  const redact = (text: string): string => redaction.redact(text);
  return {
    ...report,
    message: redact(report.message),
    telemetry: report.telemetry.map(([key, value]) => [key, redact(value)]),
    snapshots: report.snapshots.map((snapshot) => ({
      ...snapshot,
      snapshotUri: snapshot.snapshotUri === undefined ? undefined : redact(snapshot.snapshotUri),
      errorMessage: redact(snapshot.errorMessage),
      blobUri: snapshot.blobUri === undefined ? undefined : redact(snapshot.blobUri),
    })),
  };
}
