import type { Command } from 'commander';
import colors from 'picocolors';
import { FlashfreezeError } from '../errors.ts';
import { Redaction } from '../log/redaction.ts';
import { latestRun, RUN_FOLDER, readRunFile, runFilesIn } from '../report/run-folder.ts';
import { renderTable } from '../report/table.ts';
import { deleteFromContainer, listSnapshots } from '../snapshot/inventory/container.ts';
import {
  hasMetadata,
  type KnownSnapshot,
  type StoredSnapshot,
  taskOf,
} from '../snapshot/inventory/model.ts';
import { ageMsOf, type PruneRule, toPrune } from '../snapshot/inventory/prune-rule.ts';
import { collect } from './run-options.ts';
import { linesOf, metadataOf } from './snapshot-options.ts';

interface ContainerOptions {
  readonly container?: string;
  readonly containerFrom?: string;
  readonly metadata?: readonly string[];
  readonly json?: boolean;
}

interface ListOptions extends ContainerOptions {
  readonly blob?: string;
  readonly task?: string;
}

interface PruneOptions extends ListOptions {
  readonly keep?: string;
  readonly olderThan?: string;
  readonly all?: boolean;
  readonly delete?: boolean;
}

interface VerifyOptions {
  readonly container?: readonly string[];
  readonly containerFrom?: string;
  readonly metadata?: readonly string[];
  readonly json?: boolean;
}

const FROM_FILE = 'read the container’s URL from a file (- for stdin)';

export function addSnapshotsCommand(program: Command): void {
  const snapshots = program
    .command('snapshots')
    .description('List, verify and prune the snapshots of blobs');
  addContainerOptions(
    snapshots.command('list').description('List the snapshots in a container'),
  ).action(async (options: ListOptions) => {
    await list(options);
  });
  snapshots
    .command('verify')
    .description('Verify that every snapshot of a run is there, whole, with its metadata')
    .argument('[run.json]', 'what the run has left; default: the latest snapshot')
    .option(
      '--container <url>',
      'URL of a container, with a SAS that may list (repeatable)',
      collect,
    )
    .option('--container-from <file>', 'read the containers’ URLs from a file (- for stdin)')
    .option('--metadata <key=value>', 'metadata that each must have (repeatable)', collect)
    .option('--json', 'print the findings as JSON')
    .action(async (path: string | undefined, options: VerifyOptions) => {
      process.exitCode = await verify(path, options);
    });
  addContainerOptions(
    snapshots
      .command('prune')
      .description('Show which old snapshots would be deleted; delete them with --delete'),
  )
    .option('--keep <count>', 'of each blob, keep so many of the newest')
    .option('--older-than <age>', 'only those older than e.g. 30d, 12h, 4w')
    .option('--all', 'also snapshots that no run on this machine is known to have taken')
    .option('--delete', 'really delete; without it nothing is')
    .action(async (options: PruneOptions) => {
      process.exitCode = await prune(options);
    });
}

function addContainerOptions(command: Command): Command {
  return command
    .option('--container <url>', 'URL of the container, with a SAS that may list')
    .option('--container-from <file>', FROM_FILE)
    .option('--blob <name>', 'only of this blob, as it is named in the container')
    .option('--task <id>', 'only of this task')
    .option('--metadata <key=value>', 'only with this metadata (repeatable)', collect)
    .option('--json', 'print as JSON');
}

/** A snapshot with the task that is known to have taken it. */
type Listed = StoredSnapshot & { readonly task: string | null };

async function listed(url: string, options: ListOptions): Promise<Listed[]> {
  const known = await knownSnapshots();
  const wanted = metadataOf(options.metadata);
  return (await listSnapshots(url))
    .map((it) => ({ ...it, task: taskOf(it, known) ?? null }))
    .filter(({ blob }) => options.blob === undefined || blob === options.blob)
    .filter(({ task }) => options.task === undefined || task === options.task)
    .filter(({ metadata }) => hasMetadata(metadata, wanted));
}

async function list(options: ListOptions): Promise<void> {
  const url = containerUrlOf(options);
  const snapshots = await listed(url, options);
  print(url, options.json === true ? jsonOf({ snapshots }) : tableOf(snapshots));
}

async function prune(options: PruneOptions): Promise<number> {
  const rule = ruleOf(options);
  const url = containerUrlOf(options);
  const isOurs = ({ task }: Listed): boolean =>
    options.all === true || (options.metadata ?? []).length > 0 || task !== null;
  const candidates = (await listed(url, options)).filter(isOurs);
  const doomed = toPrune(candidates, rule, new Date());
  const results: Pruned[] = [];
  for (const snapshot of doomed) {
    const error = options.delete === true ? await deleteFromContainer(url, snapshot) : undefined;
    const isGone = options.delete === true && error === undefined;
    results.push({ ...snapshot, deleted: isGone, error: error ?? null });
  }
  print(url, options.json === true ? jsonOf({ pruned: results }) : prunedText(results, options));
  return results.some(({ error }) => error !== null) ? 1 : 0;
}

type Pruned = StoredSnapshot & { readonly deleted: boolean; readonly error: string | null };

function prunedText(results: readonly Pruned[], { delete: isReal }: PruneOptions): string {
  if (results.length === 0) {
    return 'nothing to prune';
  }
  const lines = results.map(({ blob, snapshot, deleted, error }) =>
    error !== null
      ? colors.red(`✗ ${blob} ${snapshot}: not deleted (${error})`)
      : `${deleted ? 'deleted' : 'would delete'} ${blob} ${snapshot}`,
  );
  const hint = isReal === true ? [] : ['', 'Nothing was deleted. With --delete it is.'];
  return [...lines, ...hint].join('\n');
}

interface Verified {
  readonly blob: string;
  readonly snapshot: string | null;
  /** Null where all is well. */
  readonly problem: string | null;
}

/** @returns the exit code: 0 where every snapshot of the run is there and right */
async function verify(path: string | undefined, options: VerifyOptions): Promise<number> {
  const containers = containerUrlsOf(options);
  const redaction = new Redaction();
  for (const url of containers) {
    redaction.addUrl(url);
  }
  const run = await readRunFile(path ?? (await latestRun(RUN_FOLDER, 'snapshot')));
  const stored = (await Promise.all(containers.map(listSnapshots))).flat();
  const wanted = metadataOf(options.metadata);
  const verified = (run.summary?.disks ?? []).map(
    ({ blob, snapshot }): Verified => ({
      blob,
      snapshot,
      problem: problemOf(blob, snapshot, stored, wanted),
    }),
  );
  const bad = verified.filter(({ problem }) => problem !== null);
  const text =
    options.json === true
      ? jsonOf({ task: run.taskId, verified })
      : [
          ...verified.map(({ blob, snapshot, problem }) =>
            problem === null
              ? `${colors.green('✓')} ${blob} ${snapshot}`
              : `${colors.red('✗')} ${blob} ${snapshot ?? ''}: ${problem}`,
          ),
          `${verified.length - bad.length} of ${verified.length} snapshots of task ${run.taskId} are there`,
        ].join('\n');
  process.stdout.write(redaction.redact(`${text}\n`));
  return bad.length > 0 || verified.length === 0 ? 1 : 0;
}

function problemOf(
  url: string,
  snapshot: string | null,
  stored: readonly StoredSnapshot[],
  wanted: readonly (readonly [string, string])[],
): string | null {
  if (snapshot === null) {
    return 'the run took none';
  }
  const found = stored.find((it) => it.url === url && it.snapshot === snapshot);
  if (found === undefined) {
    return 'there is no such snapshot in the containers given';
  }
  if (found.sizeBytes === 0) {
    return 'it is empty';
  }
  return hasMetadata(found.metadata, wanted)
    ? null
    : `its metadata is ${JSON.stringify(found.metadata)}`;
}

/** What the runs that are kept on this machine have taken. */
async function knownSnapshots(): Promise<KnownSnapshot[]> {
  const runs = await Promise.all(
    (await runFilesIn()).map((path) => readRunFile(path).catch(() => undefined)),
  );
  return runs.flatMap((run) =>
    (run?.summary?.disks ?? []).flatMap(({ blob, snapshot }) =>
      snapshot === null ? [] : [{ url: blob, snapshot, taskId: run?.taskId ?? '' }],
    ),
  );
}

function containerUrlOf({ container, containerFrom }: ContainerOptions): string {
  const given = container === undefined ? {} : { container: [container] };
  const from = containerFrom === undefined ? {} : { containerFrom };
  const [url, ...others] = containerUrlsOf({ ...given, ...from });
  if (url === undefined || others.length > 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      '--container, --container-from: expected the URL of one container; list and prune look at one at a time',
    );
  }
  return url;
}

/** At least one. */
function containerUrlsOf(options: Pick<VerifyOptions, 'container' | 'containerFrom'>): string[] {
  const { container = [], containerFrom } = options;
  const urls = [
    ...container,
    ...(containerFrom === undefined ? [] : linesOf(containerFrom, '--container-from')),
  ];
  if (urls.length === 0 || !urls.every((url) => URL.canParse(url))) {
    throw new FlashfreezeError(
      'FF_USAGE',
      "--container: expected the URL of a container with a SAS that may list, e.g. --container 'https://acct.blob.core.windows.net/vhds?sv=…&sig=…', or --container-from <file>",
    );
  }
  return urls;
}

function ruleOf({ keep, olderThan }: PruneOptions): PruneRule {
  const count = keep === undefined ? undefined : Number(keep);
  if (count !== undefined && (!Number.isInteger(count) || count < 0)) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--keep ${keep}: expected a whole number, e.g. --keep 7`,
    );
  }
  const olderThanMs = olderThan === undefined ? undefined : ageMsOf(olderThan);
  if (olderThan !== undefined && olderThanMs === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--older-than ${olderThan}: expected a number and m, h, d or w, e.g. --older-than 30d`,
    );
  }
  if (count === undefined && olderThanMs === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      'prune: expected --keep <count>, --older-than <age> or both',
    );
  }
  return { keep: count, olderThanMs };
}

function tableOf(snapshots: readonly Listed[]): string {
  const table = renderTable(
    [
      { head: 'blob', align: 'left' },
      { head: 'snapshot', align: 'left' },
      { head: 'size MB', align: 'right' },
      { head: 'task', align: 'left' },
      { head: 'metadata', align: 'left' },
    ],
    snapshots.map(({ blob, snapshot, sizeBytes, task, metadata }) => [
      blob,
      snapshot,
      (sizeBytes / 2 ** 20).toFixed(0),
      task ?? '–',
      Object.entries(metadata)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
    ]),
  );
  return snapshots.length === 0 ? 'no snapshots' : table;
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function print(url: string, text: string): void {
  const redaction = new Redaction();
  redaction.addUrl(url);
  process.stdout.write(redaction.redact(`${text}\n`));
}
