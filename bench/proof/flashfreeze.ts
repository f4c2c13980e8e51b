import { programPath } from '../../src/lab/program-path.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { productNode } from '../process/product-node.ts';
import type { Taken, TakeSnapshots } from './proof-run.ts';

/** The real thing: the command line, in a process of its own, judged by what it prints. */
export const takeWithFlashfreeze: TakeSnapshots = async ({
  targets,
  mountPoints,
  freeze,
  fire,
  lanes,
  rawTargets,
  managed,
}) => {
  const [node = '', ...options] = productNode();
  const { code, stdout, stderr } = await tryCommand(
    node,
    [
      ...[...options, programPath(), 'snapshot', '--json'],
      ...(managed ? ['--managed'] : ['--blobs-from', '-']),
      ...mountPoints.flatMap((mountPoint) => ['--mount', mountPoint]),
      ...['--lanes', String(lanes), '--fire', fire, freeze ? '--strict-match' : '--no-freeze'],
    ],
    managed ? '' : [...targets, ...rawTargets].join('\n'),
  );
  if (stdout === '') {
    return { ok: false, problems: [`flashfreeze ended with ${code}: ${stderr.trim()}`] };
  }
  const printed = JSON.parse(stdout) as RunSummary | { readonly message: string };
  return 'message' in printed
    ? { ok: false, problems: [`flashfreeze ended with ${code}: ${printed.message}`] }
    : takenFrom(printed, code, freeze, targets.length);
};

/**
 * A run that promises less than it was asked for, or more than it did, is no snapshot. Of a raw disk it may say that
 * something wrote to it meanwhile; then it must not call the whole restorable.
 *
 * @param frozen so many disks, the first, carry file systems
 */
function takenFrom(summary: RunSummary, code: number, freeze: boolean, frozen: number): Taken {
  const { disks, consistency, restorable, problems, windowMs } = summary;
  const snapshots = disks.flatMap(({ snapshot }) => snapshot ?? []);
  const claimed = disks.map(({ showsInstant }) => !freeze || showsInstant);
  const isExplained = disks.every(
    ({ writes }, index) => claimed[index] || (index >= frozen && writes === 'changed'),
  );
  const isWhole = !claimed.includes(false);
  const best = freeze ? 'fileSystemConsistent' : 'crashConsistent';
  const expected = isWhole ? best : 'crashConsistent';
  const isAsExpected =
    code === (isWhole ? 0 : 1) && restorable === isWhole && consistency === expected && isExplained;
  if (!isAsExpected || snapshots.length < disks.length) {
    const said = `flashfreeze ended with ${code} and "${consistency}", not "${expected}"`;
    return { ok: false, problems: [said, ...problems] };
  }
  return { ok: true, snapshots, claimed, longestWindowMs: windowMs.max };
}
