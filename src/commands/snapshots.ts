import type { Command } from 'commander';
import { machineProxy } from '../config/machine-proxy.ts';
import { FlashfreezeError } from '../errors.ts';
import { Redaction } from '../log/redaction.ts';
import { colors } from '../report/colors.ts';
import { readRunFile, runFilesIn } from '../report/run-folder.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { pruneReportSchema, snapshotListSchema } from '../report/schemas/stored-snapshots.ts';
import { renderTable } from '../report/table.ts';
import { deleteFromContainer, listSnapshots } from '../snapshot/inventory/container.ts';
import { ageMsOf, type PruneRule, toPrune } from '../snapshot/inventory/prune-rule.ts';
import { hasMetadata, type KnownSnapshot, taskOf } from '../snapshot/inventory/stored-snapshot.ts';
import { addContainerOptions, type ContainerOptions, containerUrlOf } from './container-options.ts';
import { metadataOf } from './snapshot-options.ts';
import { addVerifyCommand } from './snapshots-verify.ts';

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

export function addSnapshotsCommand(program: Command): void {
  const snapshots = program
    .command('snapshots')
    .description('List, verify and prune stored snapshots of blobs');
  addContainerOptions(
    snapshots.command('list').description('List the snapshots in a container'),
  ).action(async (options: ListOptions) => {
    await list(options);
  });
  addVerifyCommand(snapshots);
  addContainerOptions(
    snapshots
      .command('prune')
      .description('Show which old snapshots would be deleted; with --delete, delete them'),
  )
    .option(
      '--keep <count>',
      'keep this number of the newest snapshots of each blob (default: select by --older-than alone)',
    )
    .option(
      '--older-than <age>',
      'delete only snapshots older than this age, e.g. 12h, 30d or 4w (default: select by --keep alone)',
    )
    .option(
      '--all',
      'include snapshots that none of the kept runs of this machine took (default: leave them alone)',
    )
    .option('--delete', 'delete the snapshots (default: dry run)')
    .action(async (options: PruneOptions) => {
      process.exitCode = await prune(options);
    });
}

type SnapshotList = OutputOf<typeof snapshotListSchema>;
type PruneReport = OutputOf<typeof pruneReportSchema>;
type Listed = SnapshotList['snapshots'][number];
type Pruned = PruneReport['pruned'][number];

async function listed(
  url: string,
  options: ListOptions,
  proxy: string | undefined,
): Promise<Listed[]> {
  const known = await knownSnapshots();
  const wanted = metadataOf(options.metadata);
  return (await listSnapshots(url, proxy))
    .map((it) => ({ ...it, task: taskOf(it, known) ?? null }))
    .filter(({ blob }) => options.blob === undefined || blob === options.blob)
    .filter(({ task }) => options.task === undefined || task === options.task)
    .filter(({ metadata }) => hasMetadata(metadata, wanted));
}

async function list(options: ListOptions): Promise<void> {
  const url = containerUrlOf(options);
  const snapshots = await listed(url, options, machineProxy()(url));
  print(url, options.json === true ? jsonOf({ snapshots }) : tableOf(snapshots));
}

async function prune(options: PruneOptions): Promise<number> {
  const rule = ruleOf(options);
  const url = containerUrlOf(options);
  const isOurs = ({ task }: Listed): boolean =>
    options.all === true || (options.metadata ?? []).length > 0 || task !== null;
  const proxy = machineProxy()(url);
  const all = await listed(url, options, proxy);
  const candidates = all.filter(isOurs);
  const selected = toPrune(candidates, rule, new Date());
  const results: Pruned[] = [];
  for (const snapshot of selected) {
    const error =
      options.delete === true ? await deleteFromContainer(url, snapshot, proxy) : undefined;
    const isGone = options.delete === true && error === undefined;
    results.push({ ...snapshot, deleted: isGone, error: error ?? null });
  }
  const others = all.length - candidates.length;
  const text =
    options.json === true ? jsonOf({ pruned: results }) : prunedText(results, others, options);
  print(url, text);
  return results.some(({ error }) => error !== null) ? 1 : 0;
}

/** @param others number of snapshots that the rule was not applied to */
function prunedText(
  results: readonly Pruned[],
  others: number,
  { delete: isReal }: PruneOptions,
): string {
  const left =
    others === 0
      ? []
      : [
          '',
          `Snapshots left alone: ${others}. None of the runs kept on this machine took them; use --metadata or --all to include them.`,
        ];
  if (results.length === 0) {
    return ['nothing to prune', ...left].join('\n');
  }
  const lines = results.map(({ blob, snapshot, deleted, error }) =>
    error !== null
      ? colors.red(`✗ ${blob} ${snapshot}: not deleted (${error})`)
      : `${deleted ? 'deleted' : 'would delete'} ${blob} ${snapshot}`,
  );
  const hint = isReal === true ? [] : ['', 'Dry run: nothing was deleted. Use --delete to delete.'];
  const refused = results.some(({ error }) => error !== null)
    ? ['', 'To delete snapshots, give a SAS of the container that permits deleting (sp with d).']
    : [];
  return [...lines, ...refused, ...left, ...hint].join('\n');
}

/** The snapshots that the runs kept on this machine took. */
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

function ruleOf({ keep, olderThan }: PruneOptions): PruneRule {
  const count = keep === undefined ? undefined : Number(keep);
  // Only digits are accepted: Number('') is 0, and an unset variable of a script must not delete everything.
  if (keep !== undefined && !/^\d+$/.test(keep)) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--keep ${keep === '' ? '(empty)' : keep}: expected a whole number, e.g. --keep 7`,
    );
  }
  const olderThanMs = olderThan === undefined ? undefined : ageMsOf(olderThan);
  if (olderThan !== undefined && olderThanMs === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--older-than ${olderThan}: expected a number followed by m, h, d or w, e.g. --older-than 30d`,
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

function jsonOf(value: SnapshotList | PruneReport): string {
  return JSON.stringify(value, null, 2);
}

function print(url: string, text: string): void {
  const redaction = new Redaction();
  redaction.addUrl(url);
  process.stdout.write(redaction.redact(`${text}\n`));
}
