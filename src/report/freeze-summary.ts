import { wereHeld } from '../backup/outcome.ts';
import type { BackupRecord } from '../backup/record.ts';
import type { HeldCommand } from '../snapshot/command/held-command.ts';
import type { OutputOf } from './schemas/described.ts';
import type { freezeSummarySchema } from './schemas/freeze-summary.ts';
import { summarize } from './summary.ts';

/** What `flashfreeze freeze --json` prints. */
export type FreezeSummary = OutputOf<typeof freezeSummarySchema>;

/** @param command has ended, or is not waited for any longer */
export function summarizeFreeze(
  record: BackupRecord,
  program: string,
  command: Pick<HeldCommand, 'end' | 'output'>,
): FreezeSummary {
  // flashfreeze does not delete the results of a command, so it has no orphans.
  const { disks, consistency: _, ...summary } = summarize({ ...record, orphans: [] });
  const [target] = record.disks;
  const started = target?.answer.firedNs !== undefined;
  const cut = target?.answer.failure?.kind;
  const held = target !== undefined && cut !== 'timeout' && cut !== 'aborted';
  const end = started ? command.end : undefined;
  return {
    held: held && wereHeld(record, target),
    barrier: summary.barrier,
    windowMs: summary.windowMs,
    command: {
      program,
      started,
      exitCode: end?.kind === 'exited' ? end.exitCode : null,
      signal: end?.kind === 'killed' ? end.signal : null,
      durationMs: disks[0]?.latencyMs ?? null,
      stdout: command.output.text('stdout'),
      stderr: command.output.text('stderr'),
      lostBytes: command.output.lostBytes,
    },
    fileSystems: summary.fileSystems,
    freezeAttempts: summary.freezeAttempts,
    application: summary.application,
    clock: summary.clock,
    phasesMs: summary.phasesMs,
    problems: summary.problems,
    warnings: summary.warnings,
  };
}
