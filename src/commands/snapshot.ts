import { type Command, Option } from 'commander';
import type { BackupRecord } from '../backup/record.ts';
import type { BackupRequest } from '../backup/request.ts';
import { type RunSummary, summarize } from '../report/summary.ts';
import { renderSummary } from '../report/terminal.ts';
import type { Blob } from '../snapshot/blob/blob.ts';
import { type CommandContext, openCommandContext, runForCommand } from './command-run.ts';
import { reportError } from './exit.ts';
import { addRunOptions, collect, runRequestOf } from './run-options.ts';
import { abortOnSignals } from './signals.ts';
import {
  laneCountOf,
  metadataOf,
  type RawSnapshotOptions,
  requestedBlobs,
} from './snapshot-options.ts';

export function addSnapshotCommand(program: Command): void {
  const command = program
    .command('snapshot')
    .description('Freeze the file systems, snapshot every blob at one instant, thaw')
    .option('--blob <url>', 'SAS URL of a disk’s page blob; its disk is found by content', collect)
    .option('--disk <device=url>', 'the same, naming the disk, e.g. /dev/sdc=https://…', collect)
    .option(
      '--blobs-from <file>',
      'read blobs from a file (- for stdin), one URL or device=URL a line',
    )
    .addOption(
      new Option(
        '--fire <rule>',
        'when requests leave: each disk early, or all at the barrier',
      ).choices(['early', 'barrier']),
    )
    .option('--metadata <key=value>', 'metadata of every snapshot (repeatable)', collect)
    .option(
      '--strict-match',
      'refuse a blob of another disk than was named, and a set that is not whole, before anything is frozen',
    )
    .option('--partial', 'accept that no snapshot is taken of some frozen disks')
    .option('--allow-foreign', 'accept a blob that belongs to none of this machine’s disks')
    .option('--no-freeze', 'freeze nothing: crash-consistent snapshots')
    .option('--lanes <count>', 'number of connection threads (default 1)');
  addRunOptions(command).action(async (options: RawSnapshotOptions) => {
    process.exitCode = await snapshot(options);
  });
}

/** Runs one snapshot and prints its result. @returns the exit code: 0 only for a complete, consistent one */
export async function snapshot(options: RawSnapshotOptions): Promise<number> {
  const blobs = requestedBlobs(options);
  const context = openCommandContext(
    options,
    blobs.map(({ url }) => url),
  );
  const request = requestOf(options, blobs, context);
  using signals = abortOnSignals();
  try {
    const record = await runForCommand(
      context,
      {
        origin: 'snapshot',
        request,
        print: (it) => {
          const text = render(summarize(it), options.json ?? false);
          process.stdout.write(context.redaction.redact(text));
        },
      },
      signals.signal,
    );
    return signals.exitCode ?? exitCodeOf(record, summarize(record));
  } catch (error) {
    const code = reportError(error);
    return signals.exitCode ?? code;
  }
}

function render(summary: RunSummary, asJson: boolean): string {
  return `${asJson ? JSON.stringify(summary, null, 2) : renderSummary(summary)}\n`;
}

/** What a kernel or a container answers that will never let us freeze: the machine is at fault. */
const NEVER_PERMITTED = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTTY']);

function exitCodeOf({ end }: BackupRecord, { restorable }: RunSummary): number {
  if (end.kind === 'freeze-failed' && NEVER_PERMITTED.has(end.errno)) {
    return 2;
  }
  return restorable ? 0 : 1;
}

function requestOf(
  options: RawSnapshotOptions,
  blobs: readonly Blob[],
  { configuration }: CommandContext,
): BackupRequest {
  return {
    ...runRequestOf(options, configuration),
    blobs,
    fire: options.fire ?? configuration.fire,
    freeze: options.freeze && configuration.freeze,
    strictMatch: options.strictMatch ?? false,
    isPartial: options.partial ?? false,
    foreignBlobs: options.allowForeign === true ? 'accept' : 'refuse',
    metadata: metadataOf(options.metadata),
    lanes: laneCountOf(options.lanes) ?? configuration.lanes,
  };
}
