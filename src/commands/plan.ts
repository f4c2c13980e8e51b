import { randomUUID } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { readAnsweringPlan } from '../backup/answering-plan.ts';
import { foretell, maintenanceOf } from '../backup/btrfs-maintenance.ts';
import { GRACE_PERIODS_PATH } from '../backup/journal/journal.ts';
import type { ManagedLook } from '../backup/look-at-managed.ts';
import { lookAtSet } from '../backup/look-at-set.ts';
import { preflightError } from '../backup/preflight.ts';
import type { BackupRequest } from '../backup/request.ts';
import { diskBehind } from '../backup/whole-set/behind.ts';
import { machineProxy } from '../config/machine-proxy.ts';
import { readVmBackupConfiguration } from '../config/vmbackup.ts';
import { readDirtyData } from '../filesystems/dirty-data.ts';
import type { Plan } from '../filesystems/plan-types.ts';
import type { PlanReading } from '../filesystems/read-plan.ts';
import { readUsedBytes } from '../filesystems/statfs.ts';
import { jsonText } from '../log/printable.ts';
import type { Redaction } from '../log/redaction.ts';
import { expectWindow } from '../report/expected-window.ts';
import {
  type PlanFigures,
  type PlannedBlob,
  type PlannedSet,
  summarizePlan,
} from '../report/plan-summary.ts';
import { renderPlan } from '../report/plan-terminal.ts';
import { readRunFile, runFilesIn } from '../report/run-folder.ts';
import { parseBlobs } from '../snapshot/blob/blob.ts';
import { BlobLanes } from '../snapshot/blob/lanes.ts';
import type { ManagedWishes } from '../snapshot/managed/managed-set.ts';
import { readClock } from '../system/read-clock.ts';
import { redactionOfCommand } from './exit.ts';
import {
  addDiskOptions,
  addNamePrefixOption,
  managedWishesOf,
  type RawManagedOptions,
  wantedLuns,
} from './managed-options.ts';
import { collect, MOUNT_HELP, runRequestOf, SKIP_HELP } from './run-options.ts';
import { type BlobOptions, givenBlobs } from './snapshot-options.ts';

interface PlanOptions extends BlobOptions, RawManagedOptions {
  readonly mount?: readonly string[];
  readonly skip?: readonly string[];
  readonly json?: boolean;
}

export function addPlanCommand(program: Command): void {
  const command = program
    .command('plan')
    .description('Show what would be frozen, in which order and on which disks; freezes nothing')
    .option('--mount <path>', MOUNT_HELP, collect)
    .option('--skip <path>', SKIP_HELP, collect)
    .option(
      '--blob <url>',
      'show which disk this blob is matched to (repeatable; default: no blob is matched)',
      collect,
    )
    .option(
      '--disk <device=url>',
      'show whether this blob matches the named disk, e.g. /dev/sdc=https://… (repeatable)',
      collect,
    )
    .option(
      '--blobs-from <file>',
      'match the blobs in this file, one URL or device=URL per line (- for standard input)',
    )
    .option('--json', 'print the plan as JSON (default: as text)')
    .option(
      '--managed',
      'show what a snapshot of the managed disks of this Azure VM would contain (default: no managed disk is looked at)',
    );
  addDiskOptions(addNamePrefixOption(command)).action(async (options: PlanOptions) => {
    process.exitCode = await showPlan(options);
  });
}

/** @returns the exit code: 0 if every given blob is matched to a disk, and the set of managed disks would be whole */
async function showPlan(options: PlanOptions): Promise<number> {
  const wishes = managedWishesOf(options, {
    '--blob': options.blob,
    '--disk': options.disk,
    '--blobs-from': options.blobsFrom,
  });
  const blobs = parseBlobs(givenBlobs(options));
  const redaction = redactionOfCommand();
  for (const { url } of blobs) {
    redaction.addUrl(url);
  }
  const { configuration, warnings } = readVmBackupConfiguration();
  const request = {
    ...runRequestOf({ ...options, settle: true }, configuration),
    blobs,
  };
  using answering = await readAnsweringPlan(request.selection);
  const { plan } = answering;
  const maintenance = await maintenanceOf(answering, configuration.btrfsMaintenance);
  const matched =
    wishes === undefined
      ? await matchBlobs(request, plan)
      : await lookAtDisks(wishes, plan, redaction);
  const figures = await readFigures(plan);
  const window = expectWindow({
    fileSystems: plan.fileSystems.length,
    waves: plan.waves.length,
    canExpedite: await canExpedite(),
    isManaged: wishes !== undefined,
    earlierMaxMs: await earlierWindows(plan.fileSystems.length, wishes !== undefined),
  });
  const planWarnings = [
    ...warnings,
    ...rootWarning(),
    ...maintenance.map(foretell),
    ...(plan.warnings ?? []),
    ...matched.warnings,
  ];
  const summary = summarizePlan({ ...plan, warnings: planWarnings }, figures, matched.set, window);
  const text = options.json === true ? jsonText(summary) : renderPlan(summary);
  process.stdout.write(redaction.redact(`${text}\n`));
  return matched.isWhole ? 0 : 1;
}

/** What the snapshots would be of. */
interface Matched {
  readonly set: PlannedSet;
  readonly warnings: readonly string[];
  /** Nothing that is wrong with the set would make a run fail. */
  readonly isWhole: boolean;
}

/** @throws FlashfreezeError as `lookAtManaged` */
async function lookAtDisks(
  wishes: ManagedWishes,
  plan: Plan,
  redaction: Redaction,
): Promise<Matched> {
  // Loaded only here: other plans need none of it.
  const { lookAtManaged } = await import('../backup/look-at-managed.ts');
  const { planManaged } = await import('../report/planned-managed.ts');
  const look: ManagedLook = await lookAtManaged(wishes, plan, {
    runId: randomUUID(),
    includedLuns: wantedLuns(wishes),
    learnSecret: (secret) => redaction.add(secret),
  });
  const { warnings, isWhole } = look;
  return { set: { blobs: [], managed: planManaged(look) }, warnings, isWhole };
}

function rootWarning(): string[] {
  return process.geteuid?.() === 0
    ? []
    : ['not run as root: the plan ignores the processes and disks that only root may read'];
}

/** @throws FlashfreezeError if a blob cannot be read at all */
async function matchBlobs(request: BackupRequest, plan: Plan): Promise<Matched> {
  if (request.blobs.length === 0) {
    return { set: { blobs: [], managed: null }, warnings: [], isWhole: true };
  }
  const targets = request.blobs.map((blob, index) => ({
    blob,
    metadata: [],
    clientRequestId: `${randomUUID()}/${index}`,
  }));
  await using lanes = await BlobLanes.open(targets, { proxyFor: machineProxy() });
  const preflights = await lanes.preflight();
  const error = preflightError(
    preflights,
    request.blobs.map(({ name }) => name),
  );
  if (error !== undefined) {
    throw error;
  }
  const { targets: matched, warnings } = await lookAtSet(request, plan, preflights);
  const blobs = matched.map(({ name: blob, behind }, index): PlannedBlob => {
    const disk = diskBehind(behind);
    const isNamed = request.blobs[index]?.device !== undefined;
    return disk === undefined
      ? { blob, device: null, because: 'see the warnings' }
      : { blob, device: `/dev/${disk}`, because: isNamed ? 'named by --disk' : 'by its content' };
  });
  const isWhole = blobs.every(({ device }) => device !== null);
  return { set: { blobs, managed: null }, warnings, isWhole };
}

async function readFigures(plan: PlanReading): Promise<PlanFigures> {
  const disks = [...plan.disks, ...(plan.otherDisks ?? [])];
  const numbers = await Promise.all(
    disks.map(async ({ name }) =>
      (await readFile(`/sys/class/block/${name}/dev`, 'utf8').catch(() => '')).trim(),
    ),
  );
  const [usedBytes, dirty, clock] = await Promise.all([
    readUsedBytes(plan.fileSystems.map(({ mountPoint }) => mountPoint)),
    readDirtyData(numbers),
    readClock(),
  ]);
  return { usedBytes, diskDirtyBytes: dirty.devicesBytes, dirtyBytes: dirty.totalBytes, clock };
}

/** The longest windows of the complete runs of this kind from the command line that froze this number of file systems. */
async function earlierWindows(fileSystems: number, isManaged: boolean): Promise<number[]> {
  const runs = await Promise.all(
    (await runFilesIn()).map((path) => readRunFile(path).catch(() => undefined)),
  );
  return runs.flatMap((run) =>
    run?.origin === 'snapshot' &&
    run.summary !== null &&
    run.summary.consistency !== 'none' &&
    run.summary.fileSystems.length === fileSystems &&
    run.summary.disks.every(({ blob }) => blob.startsWith('/subscriptions/') === isManaged)
      ? run.summary.windowMs.max
      : [],
  );
}

async function canExpedite(): Promise<boolean> {
  return await access(GRACE_PERIODS_PATH, constants.W_OK).then(
    () => true,
    () => false,
  );
}
