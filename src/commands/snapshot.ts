import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import { recover } from '../backup/journal/recover.ts';
import { LogObserver } from '../backup/log-observer.ts';
import type { BackupRecord } from '../backup/record.ts';
import type { BackupRequest, RequestedBlob } from '../backup/request.ts';
import { backup } from '../backup/run.ts';
import { readVmBackupConfiguration, type VmBackupConfiguration } from '../config/vmbackup.ts';
import { HeldLog, stderrSink } from '../log/held-log.ts';
import { Redaction } from '../log/redaction.ts';
import type { QuiescePlan } from '../quiesce/model.ts';
import {
  QUIESCE_PATHS,
  readQuiesceConfiguration,
  secretsOf,
} from '../quiesce/read-configuration.ts';
import { type RunSummary, summarize } from '../report/summary.ts';
import { renderSummary } from '../report/terminal.ts';
import { reportError } from './exit.ts';
import { requireRoot } from './require-root.ts';
import { abortOnSignals } from './signals.ts';
import {
  laneCountOf,
  metadataOf,
  type RawSnapshotOptions,
  requestedBlobs,
  startTimeOf,
  timeoutMsOf,
} from './snapshot-options.ts';

export function addSnapshotCommand(program: Command): void {
  const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
  program
    .command('snapshot')
    .description('Freeze the file systems, snapshot every blob at one instant, thaw')
    .option('--blob <url>', 'SAS URL of a disk’s page blob; its disk is found by content', collect)
    .option('--disk <device=url>', 'the same, naming the disk, e.g. /dev/sdc=https://…', collect)
    .option(
      '--blobs-from <file>',
      'read blobs from a file (- for stdin), one URL or device=URL a line',
    )
    .option(
      '--mount <path>',
      'freeze only this mount point (repeatable); default: all that matter',
      collect,
    )
    .option('--skip <path>', 'leave this mount point out (repeatable)', collect)
    .option('--timeout <seconds>', 'longest the file systems may stand still (default 60)')
    .option('--at <time>', 'RFC 3339 time at which the freeze begins; everything is ready before')
    .addOption(
      new Option(
        '--fire <rule>',
        'when requests leave: each disk early, or all at the barrier',
      ).choices(['early', 'barrier']),
    )
    .option('--metadata <key=value>', 'metadata of every snapshot (repeatable)', collect)
    .option('--strict-match', 'refuse a blob that belongs to none of this machine’s disks')
    .option('--no-settle', 'do not flush dirty data before the freeze')
    .option('--no-freeze', 'freeze nothing: crash-consistent snapshots')
    .option('--no-quiesce', 'leave the databases and scripts that /etc/azure names alone')
    .option('--plugin-host <file>', `pre- and post-scripts (default ${QUIESCE_PATHS.pluginHost})`)
    .option('--workload <file>', `database (default ${QUIESCE_PATHS.workload})`)
    .option('--lanes <count>', 'number of connection threads (default by number of cores)')
    .option('--json', 'print the result as JSON on stdout')
    .action(async (options: RawSnapshotOptions) => {
      process.exitCode = await snapshot(options);
    });
}

/** Runs one snapshot and prints its result. @returns the exit code: 0 only for a complete, consistent one */
export async function snapshot(options: RawSnapshotOptions): Promise<number> {
  const blobs = requestedBlobs(options);
  const redaction = new Redaction();
  for (const { url } of blobs) {
    redaction.addUrl(url);
  }
  const log = new HeldLog({ sink: stderrSink, redaction });
  const { configuration, warnings } = readVmBackupConfiguration();
  const quiesce = quiescePlanOf(options, configuration);
  for (const secret of secretsOf(quiesce)) {
    redaction.add(secret);
  }
  const request = { ...requestOf(options, blobs, configuration), quiesce };
  requireRoot();
  for (const warning of warnings) {
    log.warning(warning);
  }
  await recover((sentence) => log.warning(sentence));
  using signals = abortOnSignals();
  try {
    const record = await backup(request, new LogObserver(log), signals.signal);
    const summary = summarize(record);
    process.stdout.write(redaction.redact(render(summary, options.json ?? false)));
    return signals.exitCode ?? exitCodeOf(record, summary);
  } catch (error) {
    const code = reportError(error);
    return signals.exitCode ?? code;
  }
}

/** Undefined where the machine's files name nothing, or are to be left alone. */
function quiescePlanOf(
  { quiesce, pluginHost, workload }: RawSnapshotOptions,
  configuration: VmBackupConfiguration,
): QuiescePlan | undefined {
  const paths = {
    ...QUIESCE_PATHS,
    ...(pluginHost === undefined ? {} : { pluginHost }),
    ...(workload === undefined ? {} : { workload }),
  };
  return quiesce === true ? readQuiesceConfiguration(paths, configuration) : undefined;
}

function render(summary: RunSummary, asJson: boolean): string {
  return `${asJson ? JSON.stringify(summary, null, 2) : renderSummary(summary)}\n`;
}

/** What a kernel or a container answers that will never let us freeze: the machine is at fault. */
const NEVER_PERMITTED = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTTY']);

function exitCodeOf({ end }: BackupRecord, { consistency, disks }: RunSummary): number {
  if (end.kind === 'freeze-failed' && NEVER_PERMITTED.has(end.errno)) {
    return 2;
  }
  const complete = disks.every(({ snapshot: taken }) => taken !== null);
  return consistency !== 'none' && complete ? 0 : 1;
}

function requestOf(
  options: RawSnapshotOptions,
  blobs: readonly RequestedBlob[],
  configuration: VmBackupConfiguration,
): BackupRequest {
  return {
    blobs,
    selection: {
      include: options.mount ?? [],
      skip: [...configuration.mountsToSkip, ...(options.skip ?? [])],
    },
    timeoutMs: timeoutMsOf(options.timeout) ?? configuration.timeoutMs,
    waveLimitMs: configuration.waveLimitMs,
    retryStuckFreeze: configuration.retryStuckFreeze,
    lastLever: configuration.lastLever,
    fire: options.fire ?? configuration.fire,
    sequential: configuration.sequentialSnapshot,
    settle: options.settle,
    freeze: options.freeze && configuration.freeze,
    strictMatch: options.strictMatch ?? false,
    startAt: startTimeOf(options.at),
    metadata: metadataOf(options.metadata),
    taskId: randomUUID(),
    lanes: laneCountOf(options.lanes) ?? configuration.lanes,
  };
}
