import { wereHeld } from '../backup/outcome.ts';
import type { BackupRecord } from '../backup/record.ts';
import type { HeldCommand } from '../snapshot/command/held-command.ts';
import { type ApplicationSummary, type FileSystemSummary, summarize } from './summary.ts';

/** What `flashfreeze freeze --json` prints: stable. Times are milliseconds. */
export interface FreezeSummary {
  /** Every file system was frozen by us from before the command began until after it had ended. */
  readonly held: boolean;
  /** ISO-8601 UTC of the instant from which everything was frozen; null where it was never reached. */
  readonly barrier: string | null;
  readonly windowMs: { readonly max: number; readonly mean: number };
  readonly command: CommandSummary;
  readonly fileSystems: readonly FileSystemSummary[];
  readonly freezeAttempts: number;
  readonly application: ApplicationSummary | null;
  readonly phasesMs: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface CommandSummary {
  /** The program alone: arguments may hold secrets. */
  readonly program: string;
  readonly started: boolean;
  /** Null where it was not started, was ended by a signal, or runs on. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** While everything was frozen. */
  readonly durationMs: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What it printed beyond what is held in memory. */
  readonly lostBytes: number;
}

/** @param command has ended, as far as it ever will */
export function summarizeFreeze(
  record: BackupRecord,
  program: string,
  command: Pick<HeldCommand, 'end' | 'output'>,
): FreezeSummary {
  // A command's work is not ours to delete.
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
    phasesMs: summary.phasesMs,
    problems: summary.problems,
    warnings: summary.warnings,
  };
}
