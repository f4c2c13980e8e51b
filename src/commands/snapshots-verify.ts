import type { Command } from 'commander';
import { machineProxy } from '../config/machine-proxy.ts';
import { FlashfreezeError } from '../errors.ts';
import { jsonText, printableTexts } from '../log/printable.ts';
import { colors } from '../report/colors.ts';
import { latestRun, RUN_FOLDER, readRunFile } from '../report/run-folder.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { verifyReportSchema } from '../report/schemas/stored-snapshots.ts';
import { blobKey } from '../snapshot/blob/blob-place.ts';
import { listSnapshots } from '../snapshot/inventory/container.ts';
import { hasMetadata, type StoredSnapshot } from '../snapshot/inventory/stored-snapshot.ts';
import { type ContainersOptions, containerUrlsOf } from './container-options.ts';
import { redactionOfCommand } from './exit.ts';
import { collect } from './run-options.ts';
import { metadataOf } from './snapshot-options.ts';
import type { SourceOptions } from './snapshots-options.ts';
import { containerFileOption, identityOption, resourceGroupOption } from './source-options.ts';

export interface VerifyOptions
  extends ContainersOptions,
    Pick<SourceOptions, 'managed' | 'resourceGroup' | 'identity' | 'host'> {
  /** Identifier of a restore point. */
  readonly deep?: string;
  readonly metadata?: readonly string[];
  readonly json?: boolean;
}

export function addVerifyCommand(snapshots: Command): void {
  snapshots
    .command('verify')
    .description('Verify that every snapshot of a run exists, is not empty and has its metadata')
    .argument(
      '[run.json]',
      'file that the run left in the log folder; default: that of the latest snapshot run',
    )
    .option(
      '--container <url>',
      'URL of a container to search, with a SAS that permits listing (repeatable; required unless --container-from or --managed is given)',
      collect,
    )
    .addOption(containerFileOption())
    .option(
      '--metadata <key=value>',
      'metadata that every snapshot must have (repeatable; default: metadata is not checked)',
      collect,
    )
    .option(
      '--deep <restore point>',
      'instead of a run: read the partition tables, superblocks and journals of every snapshot of this restore point, and say whether a disk made of it would mount without recovery (default: only whether the snapshots exist)',
    )
    .option(
      '--managed',
      'with --deep: snapshots of managed disks, with the own identity of this Azure VM (default: those in the containers)',
    )
    .addOption(resourceGroupOption())
    .addOption(identityOption())
    .option(
      '--host <name>',
      'with --deep: consider only the machine with this name (default: every machine)',
    )
    .option('--json', 'print the findings as JSON (default: as text)')
    .action(async (path: string | undefined, options: VerifyOptions) => {
      if (options.deep === undefined) {
        requireDeep(options);
        process.exitCode = await verify(path, options);
        return;
      }
      if (path !== undefined) {
        throw new FlashfreezeError('FF_USAGE', '--deep: no file of a run can be given with it');
      }
      // Imported here, because it loads what no other command needs.
      const { verifyDeep } = await import('./snapshots-verify-deep.ts');
      process.exitCode = await verifyDeep(options.deep, options);
    });
}

/** @throws FlashfreezeError FF_USAGE for options that only mean something with --deep */
function requireDeep({ managed, resourceGroup, identity, host }: VerifyOptions): void {
  const options = {
    ...{ '--managed': managed, '--resource-group': resourceGroup },
    ...{ '--identity': identity, '--host': host },
  };
  const given = Object.entries(options).find(([, value]) => value !== undefined);
  if (given !== undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `${given[0]}: expected together with --deep <restore point>`,
    );
  }
}

type VerifyReport = OutputOf<typeof verifyReportSchema>;

/** @returns the exit code: 0 if the run recorded that its set can be restored, and every snapshot of it exists and is right */
async function verify(path: string | undefined, options: VerifyOptions): Promise<number> {
  const containers = containerUrlsOf(options);
  const redaction = redactionOfCommand();
  for (const url of containers) {
    redaction.addUrl(url);
  }
  const run = await readRunFile(path ?? (await latestRun(RUN_FOLDER, 'snapshot')));
  const proxyFor = machineProxy();
  const stored = (
    await Promise.all(containers.map((url) => listSnapshots(url, proxyFor(url))))
  ).flat();
  const wanted = metadataOf(options.metadata);
  const report: VerifyReport = {
    task: run.taskId,
    restorable: run.summary?.restorable ?? null,
    verified: (run.summary?.disks ?? []).map(({ blob, snapshot }) => ({
      blob,
      snapshot,
      problem: problemOf(blob, snapshot, stored, wanted),
    })),
  };
  const text = options.json === true ? jsonText(report) : verifiedText(report);
  process.stdout.write(redaction.redact(`${text}\n`));
  return isGood(report) ? 0 : 1;
}

/** A set that its run could not prove is not worth more because its snapshots exist. */
function isGood({ restorable, verified }: VerifyReport): boolean {
  return (
    restorable === true && verified.length > 0 && verified.every(({ problem }) => problem === null)
  );
}

function verifiedText(report: VerifyReport): string {
  const { task, restorable, verified } = printableTexts(report);
  const good = verified.filter(({ problem }) => problem === null);
  return [
    ...verified.map(({ blob, snapshot, problem }) =>
      problem === null
        ? `${colors.green('✓')} ${blob} ${snapshot}`
        : `${colors.red('✗')} ${blob} ${snapshot ?? ''}: ${problem}`,
    ),
    `${good.length} of ${verified.length} snapshots of task ${task} exist and are right`,
    ...(restorable === false
      ? [`${colors.red('✗')} the run recorded that this set cannot be restored`]
      : []),
  ].join('\n');
}

function problemOf(
  url: string,
  snapshot: string | null,
  stored: readonly StoredSnapshot[],
  wanted: readonly (readonly [string, string])[],
): string | null {
  if (snapshot === null) {
    return 'the run took no snapshot';
  }
  // The run has the blob's URL as it was given, the list as the library writes it.
  const found = stored.find((it) => it.snapshot === snapshot && blobKey(it.url) === blobKey(url));
  if (found === undefined) {
    return 'the given containers hold no such snapshot';
  }
  if (found.sizeBytes === 0) {
    return 'the snapshot is empty';
  }
  return hasMetadata(found.metadata, wanted)
    ? null
    : `its metadata is ${JSON.stringify(found.metadata)}; expected it to include ${JSON.stringify(Object.fromEntries(wanted))}`;
}
