import { type Command, Option } from 'commander';
import type { BackupRecord } from '../backup/record.ts';
import type { BackupRequest } from '../backup/request.ts';
import { SNAPSHOT_CONF_PATH } from '../config/snapshot-conf.ts';
import { VM_BACKUP_CONFIGURATION_PATH } from '../config/vmbackup.ts';
import { jsonText } from '../log/printable.ts';
import { redactTexts } from '../log/redact-texts.ts';
import type { RunFile } from '../report/run-file.ts';
import { type RunSummary, summarize } from '../report/summary.ts';
import { renderSummary } from '../report/terminal.ts';
import type { Blob } from '../snapshot/blob/blob.ts';
import { firstExpiryOf, requireValidAt } from '../snapshot/blob/sas-expiry.ts';
import type { ManagedWishes } from '../snapshot/managed/managed-set.ts';
import {
  type CommandContext,
  type CommandRun,
  keepRefusal,
  openCommandContext,
  refusalContext,
  runForCommand,
} from './command-run.ts';
import { onceReported, reportError } from './exit.ts';
import { addManagedOptions, managedWishesOf, wantedLuns } from './managed-options.ts';
import { addRunOptions, collect, millisecondsOf, runRequestOf } from './run-options.ts';
import { abortOnSignals } from './signals.ts';
import { type FileWishes, readWishes, snapshotByFile } from './snapshot-by-file.ts';
import {
  laneCountOf,
  manifestUrlOf,
  newMetadataOf,
  type RawSnapshotOptions,
  requestedBlobs,
} from './snapshot-options.ts';

export function addSnapshotCommand(program: Command): void {
  const command = program
    .command('snapshot')
    .description(
      'Freeze the file systems, snapshot every blob or managed disk at one instant, thaw',
    )
    .option(
      '--blob <url>',
      'SAS URL of the page blob of a disk, which is found by its content (repeatable; give one for every disk)',
      collect,
    )
    .option(
      '--disk <device=url>',
      'SAS URL of a page blob together with its disk, e.g. /dev/sdc=https://… (repeatable)',
      collect,
    )
    .option(
      '--blobs-from <file>',
      'file to read blobs from, one URL or device=URL per line (- for standard input)',
    )
    .addOption(
      new Option(
        '--fire <rule>',
        `when a snapshot request is sent: barrier: when all file systems are frozen; early: if that takes over 25 ms, as soon as the file systems of its own disk are frozen (default: early, or fire in ${VM_BACKUP_CONFIGURATION_PATH})`,
      ).choices(['early', 'barrier']),
    )
    .option(
      '--metadata <key=value>',
      'metadata of every snapshot (repeatable; default: those of its blob)',
      collect,
    )
    .option(
      '--manifest <url>',
      'URL of a container with a SAS that may create blobs, for the manifest that says what the snapshots are (default: the container of the first blob, if the SAS of that blob permits it)',
    )
    .option(
      '--strict-match',
      'before anything is frozen, refuse a set that is not whole (default: take its snapshots and fail)',
    )
    .option(
      '--partial',
      'accept that no snapshot is taken of some frozen disks (default: such a run fails)',
    )
    .option(
      '--allow-foreign',
      'accept a blob that belongs to none of this machine’s disks (default: refuse it)',
    )
    .option('--no-freeze', 'freeze nothing and take crash-consistent snapshots (default: freeze)')
    .option(
      '--patience <seconds>',
      `longest time that a disk may hold its writers beyond the usual, while its request is tried again or waits for an answer (default: 10, or patience in ${VM_BACKUP_CONFIGURATION_PATH})`,
    )
    .option(
      '--lanes <count>',
      `number of connection threads (default: 1, or lanes in ${VM_BACKUP_CONFIGURATION_PATH})`,
    );
  addConfOption(addRunOptions(addManagedOptions(command))).action(runSnapshotCommand);
}

function addConfOption(command: Command): Command {
  return command.option(
    '--conf <file>',
    `INI file with options of this command and with rules for prune; options of the command line win over it (default: none; the timer of setup uses ${SNAPSHOT_CONF_PATH})`,
  );
}

async function runSnapshotCommand(options: RawSnapshotOptions, called: Command): Promise<void> {
  process.exitCode =
    options.conf === undefined
      ? await snapshot(options)
      : await snapshotByFile(wishesOf(options.conf, options, called), called, snapshot);
}

/** A timer's run that its file refuses is kept like any other: its standard error is read too late, or never. */
function wishesOf(path: string, options: RawSnapshotOptions, called: Command): FileWishes {
  try {
    return readWishes(path, called);
  } catch (error) {
    onceReported(() => keepRefusal(refusalContext(options), 'snapshot', error));
    throw error;
  }
}

/**
 * Runs one snapshot and prints its result.
 *
 * @param kept called with the run as it is kept
 * @returns the exit code: 0 only if the snapshot is complete and consistent
 */
export async function snapshot(
  options: RawSnapshotOptions,
  kept?: (run: RunFile) => void,
): Promise<number> {
  const asJson = options.json ?? false;
  let context = refusalContext(options);
  let asked: Asked;
  try {
    context = openCommandContext(options);
    asked = readOptions(options, context);
  } catch (error) {
    const used = context;
    onceReported(() => keepRefusal(used, 'snapshot', error));
    throw error;
  }
  const signals = abortOnSignals();
  try {
    const record = await runForCommand(
      context,
      {
        ...asked,
        origin: 'snapshot',
        ...(kept === undefined ? {} : { kept }),
        print: (it) => {
          process.stdout.write(render(redactTexts(summarize(it), context.redaction), asJson));
        },
      },
      signals.signal,
    );
    return signals.exitCode ?? exitCodeOf(record, summarize(record));
  } catch (error) {
    const code = reportError(error, asJson);
    return signals.exitCode ?? code;
  }
}

type Asked = Pick<CommandRun, 'request' | 'credential'>;

/** @throws FlashfreezeError FF_USAGE, and for blobs that cannot be used */
function readOptions(options: RawSnapshotOptions, context: CommandContext): Asked {
  const wishes = managedWishesOf(options, {
    '--blob': options.blob,
    '--disk': options.disk,
    '--blobs-from': options.blobsFrom,
    '--metadata': options.metadata,
    '--allow-foreign': options.allowForeign,
  });
  const blobs = wishes === undefined ? requestedBlobs(options) : [];
  const container = manifestUrlOf(options.manifest);
  for (const url of [
    ...blobs.map((it) => it.url),
    ...(container === undefined ? [] : [container]),
  ]) {
    context.redaction.addUrl(url);
  }
  const manifest = { origin: 'snapshot', container } as const;
  const request = { ...requestOf(options, blobs, context), manifest };
  const endsAt = firstExpiryOf(blobs)?.toISOString();
  return wishes === undefined
    ? { request, credential: () => (endsAt === undefined ? undefined : { kind: 'sas', endsAt }) }
    : ofManaged(request, wishes, context);
}

function render(summary: RunSummary, asJson: boolean): string {
  return `${asJson ? jsonText(summary) : renderSummary(summary)}\n`;
}

/** Errors of a kernel or container that never permits a freeze: the machine is at fault. */
const NEVER_PERMITTED = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTTY']);

function exitCodeOf({ end }: BackupRecord, { restorable }: RunSummary): number {
  if (end.kind === 'freeze-failed' && NEVER_PERMITTED.has(end.errno)) {
    return 2;
  }
  return restorable ? 0 : 1;
}

/** The request for snapshots of managed disks. A disk without a device on this machine is accepted. */
function ofManaged(
  request: BackupRequest,
  wishes: ManagedWishes,
  { redaction }: CommandContext,
): Asked {
  let endsAt: string | undefined;
  const learnSecret = (secret: string, expires: Date): void => {
    redaction.add(secret);
    endsAt = expires.toISOString();
  };
  return {
    request: {
      ...request,
      provider: { kind: 'managed', wishes, learnSecret },
      foreignBlobs: 'accept',
      includedLuns: wantedLuns(wishes),
    },
    credential: () => (endsAt === undefined ? undefined : { kind: 'token', endsAt }),
  };
}

function requestOf(
  options: RawSnapshotOptions,
  blobs: readonly Blob[],
  { configuration }: CommandContext,
): BackupRequest {
  const request = runRequestOf(options, configuration);
  requireValidAt(request.startAt, blobs);
  return {
    ...request,
    blobs,
    fire: options.fire ?? configuration.fire,
    freeze: options.freeze,
    strictMatch: options.strictMatch ?? false,
    isPartial: options.partial ?? false,
    foreignBlobs: options.allowForeign === true ? 'accept' : 'refuse',
    metadata: newMetadataOf(options.metadata),
    patienceMs: millisecondsOf('--patience', options.patience, 10) ?? configuration.patienceMs,
    lanes: laneCountOf(options.lanes) ?? configuration.lanes,
  };
}
