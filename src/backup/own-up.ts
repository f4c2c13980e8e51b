import type { GuardianReport } from '../freezer/guardian-report.ts';
import type { RunEnd } from './record.ts';
import type { WindowRecord } from './window.ts';

/**
 * Where the guardian had to thaw, this process was late or stopped: whatever its own stamps say, the
 * file systems were not held until the answers came. A run that had ended for a reason of its own before
 * everything was frozen, or by a signal, keeps that reason: the guardian only helped to end it.
 */
export function ownUp<Window extends WindowRecord>(
  window: Window,
  report: Pick<GuardianReport, 'thawed'> | undefined,
): Window {
  const fileSystems = (report?.thawed ?? []).map(({ fileSystem }) => fileSystem);
  if (fileSystems.length === 0) {
    return window;
  }
  const keepsReason = hadEnded(window.end);
  const wasFrozen = keepsReason ? undefined : false;
  return {
    ...window,
    fileSystems: window.fileSystems.map((it, index) =>
      fileSystems.includes(index) ? { ...it, wasFrozen } : it,
    ),
    end: keepsReason ? window.end : { kind: 'guardian-thawed', fileSystems },
  };
}

function hadEnded(end: RunEnd): boolean {
  return (
    end.kind === 'signal' ||
    end.kind === 'freeze-failed' ||
    (end.kind === 'deadline' && end.stuck.length > 0)
  );
}
