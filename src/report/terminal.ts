import Table from 'cli-table3';
import colors from 'picocolors';
import type { RunSummary } from './summary.ts';

/** The closing tables and sentences of a run, for people. */
export function renderSummary(summary: RunSummary): string {
  return [
    renderFileSystems(summary),
    renderDisks(summary),
    ...summary.warnings.map((warning) => colors.yellow(`! ${warning}`)),
    ...summary.problems.map((problem) => colors.red(`✗ ${problem}`)),
    renderVerdict(summary),
  ].join('\n');
}

function renderFileSystems({ fileSystems }: RunSummary): string {
  const table = new Table({
    head: ['file system', 'type', 'disks', 'freeze ms', 'window ms'],
    colAligns: ['left', 'left', 'left', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { mountPoint, type, disks, freezeMs, windowMs } of fileSystems) {
    table.push([printable(mountPoint), type, disks.join(' '), figure(freezeMs), figure(windowMs)]);
  }
  return table.toString();
}

function renderDisks({ disks }: RunSummary): string {
  const table = new Table({
    head: ['disk', 'blob', 'snapshot', 'http', 'tries', 'latency ms'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { device, blob, snapshot, httpStatus, attempts, latencyMs } of disks) {
    table.push([
      device ?? '?',
      blobName(blob),
      snapshot ?? colors.red('none'),
      httpStatus ?? '–',
      attempts,
      figure(latencyMs),
    ]);
  }
  return table.toString();
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
