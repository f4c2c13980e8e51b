import { FlashfreezeError } from '../errors.ts';
import { jsonText, printable } from '../log/printable.ts';
import { colors } from '../report/colors.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import { CONSISTENCIES } from '../report/schemas/run-summary.ts';
import type { snapshotListSchema } from '../report/schemas/stored-snapshots.ts';
import { renderTable } from '../report/table.ts';
import { membershipIn } from '../restore-points/membership.ts';
import { managedSnapshotPages } from '../restore-points/read-managed.ts';
import { readVmPoints } from '../restore-points/read-managed-points.ts';
import { consistencyIn } from '../restore-points/record-of-run.ts';
import type { RestorePoint, StoredMember } from '../restore-points/restore-point.ts';
import { pagesOf } from '../snapshot/inventory/container-pages.ts';
import { redactionOfCommand } from './exit.ts';
import type { ListOptions } from './snapshots-options.ts';
import { ProgressLine } from './snapshots-progress.ts';
import {
  pointSelectionOf,
  readPoints,
  type Source,
  selectionOf,
  sourceOf,
} from './snapshots-source.ts';

type SnapshotList = OutputOf<typeof snapshotListSchema>;
type ListedPoint = NonNullable<SnapshotList['restorePoints']>[number];
type ListedDisk = NonNullable<SnapshotList['snapshots']>[number];

export async function listPoints(options: ListOptions): Promise<void> {
  if (options.blob !== undefined && options.disks !== true) {
    throw new FlashfreezeError('FF_USAGE', '--blob: expected together with --disks');
  }
  const redaction = redactionOfCommand();
  const isSelected = pointSelectionOf(options);
  const source = await sourceOf(options, redaction);
  const print = (text: string): void => {
    process.stdout.write(redaction.redact(`${text}\n`));
  };
  if (options.disks === true) {
    const snapshots = await disksOf(source, options);
    const found: SnapshotList = { restorePoints: null, others: 0, snapshots };
    print(options.json === true ? jsonText(found) : diskTable(snapshots));
    return;
  }
  const { points, others, warnings } = await readPoints(source);
  for (const warning of warnings) {
    process.stderr.write(redaction.redact(`${colors.yellow('!')} ${printable(warning)}\n`));
  }
  const restorePoints = points.filter(isSelected).map(
    (point): ListedPoint => ({
      ...describePoint(point),
      snapshots: point.members.map(describeMember),
    }),
  );
  const found: SnapshotList = { restorePoints, others, snapshots: null };
  print(options.json === true ? jsonText(found) : pointTable(restorePoints, others));
}

export type DescribedPoint = Omit<ListedPoint, 'snapshots'>;

/** What the JSON output of list and prune says of a restore point. */
export function describePoint(point: RestorePoint): DescribedPoint {
  const { id, host, vm, at, worth, count, members, manifest } = point;
  const tag = members.map(({ values }) => consistencyIn(values)).find((it) => it !== undefined);
  return {
    ...{ id, host, vm: vm ?? null, at: at.toISOString(), worth },
    consistency: manifest?.consistency ?? CONSISTENCIES.find((it) => it === tag) ?? null,
    count,
    present: members.length,
    sizeBytes: members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/** What the JSON output of list and verify --deep says of a snapshot. */
export function describeMember(member: StoredMember): ListedPoint['snapshots'][number] {
  const { place, takenAt, sizeBytes, membership } = member;
  return {
    position: membership.position,
    kind: place.kind,
    source: place.kind === 'blob' ? place.url : place.sourceDisk,
    snapshot: place.kind === 'blob' ? place.snapshot : place.id,
    takenAt: takenAt.toISOString(),
    sizeBytes,
  };
}

/** The cells of a restore point in the tables of list and prune, and their heads. */
export const POINT_COLUMNS = [
  { head: 'time (UTC)', align: 'left' },
  { head: 'host', align: 'left' },
  { head: 'worth', align: 'left' },
  { head: 'disks', align: 'right' },
  { head: 'restore point', align: 'left' },
] as const;

export function pointCells({ at, host, worth, consistency, present, count, id }: DescribedPoint) {
  return [
    at.slice(0, 19).replace('T', ' '),
    cell(host),
    worth === 'complete' ? (consistency ?? worth) : worth,
    `${present} of ${count}`,
    cell(id),
  ];
}

const CELL_CHARACTERS = 80;

function cell(text: string): string {
  return printable(text).slice(0, CELL_CHARACTERS);
}

function pointTable(points: readonly ListedPoint[], others: number): string {
  const rows = points.map((point) => [...pointCells(point), sizeText(point.sizeBytes)]);
  const table = renderTable([...POINT_COLUMNS, { head: 'size GB', align: 'right' }], rows);
  const text = points.length === 0 ? 'no restore points' : table;
  return [text, ...othersText(others)].join('\n');
}

export function othersText(others: number): string[] {
  return others === 0
    ? []
    : [
        '',
        `${others} snapshots belong to no restore point: flashfreeze did not take them, or they do not say so and no manifest that was read names them, or what they say is that of their blob. --disks lists them.`,
      ];
}

function sizeText(bytes: number): string {
  return bytes === 0 ? '–' : (bytes / 2 ** 30).toFixed(1);
}

/** The single snapshots, those of other tools too. */
async function disksOf(source: Source, options: ListOptions): Promise<ListedDisk[]> {
  const selects = selectionOf(options);
  using line = new ProgressLine();
  const found: ListedDisk[] = [];
  for await (const snapshots of diskPages(source, options.blob)) {
    found.push(
      ...snapshots.filter(({ metadata }) => selects(membershipIn(metadata)?.host, [metadata])),
    );
    line.show(`${found.length} snapshots found`);
  }
  return found;
}

async function* diskPages(
  source: Source,
  blob: string | undefined,
): AsyncGenerator<readonly ListedDisk[]> {
  if (source.kind === 'managed') {
    for await (const snapshots of managedSnapshotPages(source.service)) {
      yield snapshots.map(({ id, sourceDisk, takenAt, sizeBytes, tags }) => ({
        ...{ kind: 'managed', source: sourceDisk, snapshot: id, sizeBytes, metadata: tags },
        takenAt: Number.isNaN(takenAt.getTime()) ? '' : takenAt.toISOString(),
        restorePoint: membershipIn(tags)?.restorePoint ?? null,
      }));
    }
    const { members } = await readVmPoints(source.service);
    yield members.map((member) => ({
      ...diskOfPoint(member),
      ...{ metadata: {}, restorePoint: member.membership.restorePoint },
    }));
    return;
  }
  for (const { url: container, proxy } of source.containers) {
    for await (const { snapshots } of pagesOf(container, proxy, blob)) {
      yield snapshots
        .filter((it) => blob === undefined || it.blob === blob)
        .map(({ url, snapshot, sizeBytes, metadata }) => ({
          ...{ kind: 'blob', source: url, snapshot, sizeBytes, metadata },
          takenAt: snapshot,
          restorePoint: membershipIn(metadata)?.restorePoint ?? null,
        }));
    }
  }
}

function diskOfPoint(member: StoredMember): Omit<ListedDisk, 'metadata' | 'restorePoint'> {
  const { position: _, ...disk } = describeMember(member);
  return disk;
}

function diskTable(snapshots: readonly ListedDisk[]): string {
  const table = renderTable(
    [
      { head: 'disk', align: 'left' },
      { head: 'snapshot', align: 'left' },
      { head: 'size MB', align: 'right' },
      { head: 'restore point', align: 'left' },
      { head: 'metadata', align: 'left' },
    ],
    snapshots.map(({ source, snapshot, sizeBytes, restorePoint, metadata }) => [
      cell(source.split('/').at(-1) ?? source),
      cell(snapshot.split('/').at(-1) ?? snapshot),
      (sizeBytes / 2 ** 20).toFixed(0),
      cell(restorePoint ?? '–'),
      Object.entries(metadata)
        .filter(([name]) => !/^flashfreeze[-_]/i.test(name))
        .map(([name, value]) => cell(`${name}=${value}`))
        .join(' '),
    ]),
  );
  return snapshots.length === 0 ? 'no snapshots' : table;
}
