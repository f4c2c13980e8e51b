import type { Rig } from '../../test/commands/rig.ts';
import type { Drawn } from './draw.ts';
import { RestartedDaemon } from './restarted-daemon.ts';
import { RunningBalance } from './running-balance.ts';
import { SilentMount } from './silent-mount.ts';

/** What is there during a round, beside the run, if the fault is about that. Disposing removes it. */
export interface Surroundings extends AsyncDisposable {
  /** At the drawn moment; returns at once. */
  strike?(): void;
  /**
   * To be called after the run. What is wrong with them, in words.
   *
   * @param workerWasKilled what it has left undone is up to the next start of any command
   */
  problems(workerWasKilled: boolean): Promise<string[]>;
}

/** Undefined for a fault of the worker's or the guardian's own. */
export async function surround(
  { disks: { disks } }: Rig,
  { kind, gapMs }: Pick<Drawn, 'kind' | 'gapMs'>,
): Promise<Surroundings | undefined> {
  const [, xfs = '', btrfs = '', ext4 = ''] = disks.map(({ mountPoint }) => mountPoint);
  switch (kind) {
    case 'restart-daemon':
      return await RestartedDaemon.start(ext4, xfs, gapMs);
    case 'balance':
      return await RunningBalance.start(btrfs);
    case 'open-hangs':
      return await SilentMount.create();
    default:
      return undefined;
  }
}
