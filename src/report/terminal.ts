import colors from 'picocolors';
import type { RunSummary } from './summary.ts';
import { renderTable } from './table.ts';

/** The closing tables and sentences of a run, for people. */
export function renderSummary(summary: RunSummary): string {
  return [
    renderFileSystems(summary),
    '',
    renderDisks(summary),
    '',
    ...renderApplication(summary),
    ...summary.warnings.map((warning) => colors.yellow(`! ${warning}`)),
    ...summary.problems.map((problem) => colors.red(`✗ ${problem}`)),
    renderVerdict(summary),
  ].join('\n');
}

function renderFileSystems({ fileSystems }: RunSummary): string {
  return renderTable(
    [
      { head: 'file system', align: 'left' },
      { head: 'type', align: 'left' },
      { head: 'disks', align: 'left' },
      { head: 'freeze ms', align: 'right' },
      { head: 'window ms', align: 'right' },
    ],
    fileSystems.map(({ mountPoint, type, disks, freezeMs, windowMs }) => [
      printable(mountPoint),
      type,
      disks.join(' '),
      figure(freezeMs),
      figure(windowMs),
    ]),
  );
}

function renderDisks({ disks }: RunSummary): string {
  return renderTable(
    [
      { head: 'disk', align: 'left' },
      { head: 'blob', align: 'left' },
      { head: 'snapshot', align: 'left' },
      { head: 'http', align: 'right' },
      { head: 'tries', align: 'right' },
      { head: 'latency ms', align: 'right' },
    ],
    disks.map(({ device, blob, snapshot, httpStatus, attempts, latencyMs }) => [
      device ?? '?',
      blobName(blob),
      snapshot ?? colors.red('none'),
      httpStatus ?? '–',
      attempts,
      figure(latencyMs),
    ]),
  );
}

function renderApplication({ application }: RunSummary): string[] {
  if (application === null) {
    return [];
  }
  const { name, heldMs } = application;
  return [heldMs === null ? `${name}: nothing held` : `${name}: held for ${figure(heldMs)} ms`];
}

function renderVerdict({ consistency, code, name, barrier, windowMs, disks }: RunSummary): string {
  const taken = disks.filter(({ snapshot }) => snapshot !== null).length;
  const good = consistency === 'fileSystemConsistent' || consistency === 'applicationConsistent';
  const verdict = `${consistency}: ${taken} of ${disks.length} snapshots, code ${code} (${name})`;
  const window =
    barrier === null
      ? ''
      : `\nall show ${barrier}; writers stood still for ${windowMs.max.toFixed(1)} ms at most, ${windowMs.mean.toFixed(1)} ms on average`;
  return `${good ? colors.green(`✓ ${verdict}`) : colors.red(`✗ ${verdict}`)}${window}`;
}

function figure(value: number | null): string {
  return value === null ? '–' : value.toFixed(1);
}

/** The last two parts of a blob's path: container and name. */
function blobName(blob: string): string {
  return blob.split('/').slice(-2).join('/');
}

/** Mount points may hold any byte but NUL; control characters must not reach a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16)}`);
}
