import { printableTexts } from '../log/printable.ts';
import { describeClock } from '../system/clock-state.ts';
import { colors } from './colors.ts';
import { isUnremarkable, type PlannedFileSystem, type PlanSummary } from './plan-summary.ts';
import { renderTable } from './table.ts';

/** The plan as text for people. */
export function renderPlan(summary: PlanSummary): string {
  const plan = printableTexts(summary);
  const { low, high, reasons } = plan.expectedWindow;
  return [
    renderFileSystems(plan.fileSystems),
    '',
    renderDisks(plan),
    ...renderBlobs(plan),
    ...renderManaged(plan),
    ...renderExcluded(plan),
    '',
    ...plan.warnings.map((warning) => colors.yellow(`! ${warning}`)),
    `expected longest time that writers are blocked: ${low.toFixed(0)} to ${high.toFixed(0)} ms`,
    ...reasons.map((reason) => `  - ${reason}`),
    ...(plan.dirtyBytes === null
      ? []
      : [`  - ${megabytes(plan.dirtyBytes)} MB are dirty now and are flushed before the freeze`]),
    `clock: ${describeClock(plan.clock ?? undefined)}`,
  ].join('\n');
}

function renderFileSystems(fileSystems: readonly PlannedFileSystem[]): string {
  return renderTable(
    [
      { head: 'wave', align: 'right' },
      { head: 'file system', align: 'left' },
      { head: 'type', align: 'left' },
      { head: 'disks', align: 'left' },
      { head: 'used MB', align: 'right' },
      { head: 'thawed after', align: 'left' },
    ],
    fileSystems.map(({ wave, mountPoint, type, disks, usedBytes, thawsAfter }) => [
      wave,
      mountPoint,
      type,
      disks.join(' '),
      megabytes(usedBytes),
      thawsAfter.join(' '),
    ]),
  );
}

function renderDisks({ disks }: PlanSummary): string {
  return renderTable(
    [
      { head: 'disk', align: 'left' },
      { head: 'LUN', align: 'right' },
      { head: 'role', align: 'left' },
      { head: 'size MB', align: 'right' },
      { head: 'dirty MB', align: 'right' },
      { head: 'frozen', align: 'left' },
    ],
    disks.map(({ device, lun, role, sizeBytes, dirtyBytes, frozen }) => [
      device,
      lun ?? '–',
      role ?? '–',
      megabytes(sizeBytes),
      megabytes(dirtyBytes),
      frozen ? 'yes' : 'no',
    ]),
  );
}

function renderBlobs({ blobs }: PlanSummary): string[] {
  const table = renderTable(
    [
      { head: 'blob', align: 'left' },
      { head: 'disk', align: 'left' },
      { head: 'because', align: 'left' },
    ],
    blobs.map(({ blob, device, because }) => [blob, device ?? colors.yellow('none'), because]),
  );
  return blobs.length === 0 ? [] : ['', table];
}

function renderManaged({ managed }: PlanSummary): string[] {
  if (managed === null) {
    return [];
  }
  const table = renderTable(
    [
      { head: 'LUN', align: 'right' },
      { head: 'managed disk', align: 'left' },
      { head: 'kind', align: 'left' },
      { head: 'size MB', align: 'right' },
      { head: 'disk', align: 'left' },
      { head: 'snapshot', align: 'left' },
    ],
    managed.disks.map(({ lun, name, sku, sizeBytes, device, snapshot, decision }) => [
      lun ?? 'os',
      name,
      sku ?? '–',
      megabytes(sizeBytes),
      device ?? '–',
      snapshot === null ? colors.yellow(decision) : lastOf(snapshot),
    ]),
  );
  // Of an unsupported disk, a warning says it.
  const remarks = managed.disks.flatMap(({ lun, name, because, decision }) =>
    because === null || decision === 'unsupported'
      ? []
      : [`  - ${lun === null ? 'the OS disk' : `LUN ${lun}`} (${name}): ${because}`],
  );
  const missed = managed.withoutSnapshot.join(', ');
  return [
    ...['', table],
    ...[
      ...new Set(
        managed.disks.flatMap(({ snapshot }) => (snapshot === null ? [] : groupOf(snapshot))),
      ),
    ].map((group) => `  - the snapshots are made in ${group}`),
    ...remarks,
    ...(missed === '' ? [] : [colors.yellow(`! frozen without a snapshot: ${missed}`)]),
  ];
}

/** The name of a resource, from its id. */
function lastOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** The resource group of a resource, from its id. */
function groupOf(id: string): string {
  return id.slice(0, id.toLowerCase().indexOf('/providers/'));
}

function renderExcluded({ excluded }: PlanSummary): string[] {
  const remarkable = excluded.filter((it) => !isUnremarkable(it));
  const table = renderTable(
    [
      { head: 'left out', align: 'left' },
      { head: 'type', align: 'left' },
      { head: 'because', align: 'left' },
    ],
    remarkable.map(({ mountPoint, type, because }) => [mountPoint, type, because]),
  );
  return remarkable.length === 0 ? [] : ['', table];
}

function megabytes(bytes: number | null): string {
  return bytes === null ? '–' : (bytes / 2 ** 20).toFixed(bytes < 100 * 2 ** 20 ? 1 : 0);
}
