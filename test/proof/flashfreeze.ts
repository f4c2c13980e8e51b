import { join } from 'node:path';
import type { RunSummary } from '../../src/report/summary.ts';
import { tryCommand } from '../lab/run-command.ts';
import type { Taken, TakeSnapshots } from './proof-run.ts';

const MAIN = join(import.meta.dirname, '../../src/flashfreeze.js');

/** The real thing: the command line, in a process of its own, judged by what it prints. */
export const takeWithFlashfreeze: TakeSnapshots = async ({ urls, mountPoints, freeze, fire }) => {
  const { code, stdout, stderr } = await tryCommand(
    process.execPath,
    [
      ...[MAIN, 'snapshot', '--json', '--blobs-from', '-'],
      ...mountPoints.flatMap((mountPoint) => ['--mount', mountPoint]),
      ...['--fire', fire, freeze ? '--strict-match' : '--no-freeze'],
    ],
    urls.join('\n'),
  );
  if (stdout === '') {
    return { ok: false, problems: [`flashfreeze ended with ${code}: ${stderr.trim()}`] };
  }
  return takenFrom(JSON.parse(stdout), code, freeze);
};

/** A run that promises less than it was asked for, or more than it did, is no snapshot. */
function takenFrom(summary: RunSummary, code: number, freeze: boolean): Taken {
  const expected = freeze ? 'fileSystemConsistent' : 'crashConsistent';
  const snapshots = summary.disks.flatMap(({ snapshot }) => snapshot ?? []);
  if (code !== 0 || summary.consistency !== expected || snapshots.length < summary.disks.length) {
    const said = `flashfreeze ended with ${code} and "${summary.consistency}", not "${expected}"`;
    return { ok: false, problems: [said, ...summary.problems] };
  }
  return { ok: true, snapshots, longestWindowMs: summary.windowMs.max };
}
