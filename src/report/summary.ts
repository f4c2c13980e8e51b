import { judge } from '../backup/outcome.ts';
import type { BackupRecord, FileSystemTimes, PhaseTimes, TargetRecord } from '../backup/record.ts';
import type { OutputOf } from './schemas/described.ts';
import type { runSummarySchema } from './schemas/run-summary.ts';

/** What `flashfreeze snapshot --json` prints. */
export type RunSummary = OutputOf<typeof runSummarySchema>;
export type DiskSummary = RunSummary['disks'][number];
export type ApplicationSummary = NonNullable<RunSummary['application']>;

/** The verdict on a kept run of `flashfreeze freeze`, whose only "disk" is the command. */
export function commandVerdict({
  consistency,
  disks,
}: Pick<RunSummary, 'consistency' | 'disks'>): string {
  const [command] = disks;
  const program = command?.blob ?? 'the command';
  return consistency === 'none'
    ? `${program} failed, or ran while not everything was frozen`
    : `${program} ended with exit code 0, and everything was frozen all the time`;
}

export function summarize(record: BackupRecord): RunSummary {
  const outcome = judge(record);
  const allTimes = [
    ...record.earlierAttempts.flatMap((it) => it.fileSystems),
    ...record.fileSystems,
  ];
  const windows = allTimes.flatMap((times) => windowMs(times) ?? []);
  return {
    consistency: outcome.consistency,
    code: outcome.code,
    name: outcome.name,
    restorable: outcome.isRestorable,
    barrier: record.barrier?.wallClock.toISOString() ?? null,
    windowMs: { max: Math.max(0, ...windows), mean: mean(windows) },
    fileSystems: record.plan.fileSystems.map(({ mountPoint, type, disks }, index) => {
      const times = record.fileSystems[index];
      return {
        mountPoint,
        type,
        disks,
        freezeMs: milliseconds(times?.freezeStartNs, times?.frozenNs),
        windowMs: times === undefined ? null : windowMs(times),
      };
    }),
    disks: record.disks.map((disk, index) =>
      summarizeDisk(disk, outcome.diskIsConsistent[index] ?? false),
    ),
    freezeAttempts: record.earlierAttempts.length + 1,
    orphans: record.orphans.map(({ blob, snapshot, keptBecause }) => ({
      blob,
      snapshot,
      deleted: keptBecause === undefined,
      error: keptBecause ?? null,
    })),
    application: summarizeApplication(record),
    clock: record.clock ?? null,
    phasesMs: sumPhases(record.phases),
    threads: (record.threads ?? []).map((it) => ({
      ...it,
      runMs: microsecondsOf(it.runMs),
      waitMs: microsecondsOf(it.waitMs),
    })),
    problems: outcome.problems,
    warnings: record.warnings,
  };
}

/** A phase that ran twice, such as the proof of the connections, is one phase here, with the sum of its times. */
function sumPhases(phases: readonly PhaseTimes[]): Record<string, number> {
  const spentNs = new Map<string, bigint>();
  for (const { name, startNs, endNs } of phases) {
    spentNs.set(name, (spentNs.get(name) ?? 0n) + endNs - startNs);
  }
  return Object.fromEntries([...spentNs].map(([name, ns]) => [name, milliseconds(0n, ns) ?? 0]));
}

function summarizeApplication({ application }: BackupRecord): ApplicationSummary | null {
  return application === undefined
    ? null
    : {
        name: application.name,
        heldMs: milliseconds(application.held?.fromNs, application.held?.toNs),
        findings: application.findings.map(({ code, message }) => ({ code, message })),
      };
}

function summarizeDisk(
  { blob, device, answer, failedNs, writes }: TargetRecord,
  showsInstant: boolean,
): DiskSummary {
  return {
    device: device ?? null,
    blob,
    snapshot: answer.snapshot ?? null,
    httpStatus: answer.httpStatus ?? null,
    requestId: answer.requestId ?? null,
    attempts: answer.attempts,
    latencyMs: milliseconds(answer.firedNs, answer.acknowledgedNs ?? failedNs),
    showsInstant,
    writes: writes.kind === 'unread' ? 'unknown' : writes.kind,
    error: answer.failure?.message ?? null,
  };
}

/** Only a file system that froze has a window; a refused FIFREEZE blocks no writer. */
function windowMs(times: FileSystemTimes): number | null {
  return times.frozenNs === undefined ? null : milliseconds(times.freezeStartNs, times.thawedNs);
}

/** Rounded to microseconds, the precision that these clocks are meant to have. */
function milliseconds(startNs: bigint | undefined, endNs: bigint | undefined): number | null {
  return startNs === undefined || endNs === undefined
    ? null
    : Math.round(Number(endNs - startNs) / 1_000) / 1_000;
}

/** Milliseconds, rounded to microseconds. */
function microsecondsOf(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function mean(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  return values.length === 0 ? 0 : Math.round((sum / values.length) * 1_000) / 1_000;
}
