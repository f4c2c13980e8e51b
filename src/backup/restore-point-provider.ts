import { machineProxy } from '../config/machine-proxy.ts';
import { neededUntilMs } from '../snapshot/managed/identity-token.ts';
import type { ManagedSet, ManagedWishes } from '../snapshot/managed/managed-set.ts';
import { type PreparedPoint, pointId, preparePoint } from '../snapshot/managed/restore-point.ts';
import { RestorePointProvider } from '../snapshot/managed/restore-point-provider.ts';
import { labelOf } from '../snapshot/managed/select-disks.ts';
import { markRun } from '../snapshot/managed/snapshot-naming.ts';
import type { TokenKeeper } from '../snapshot/managed/token-keeper.ts';
import type { SnapshotEvent } from '../snapshot/snapshot-types.ts';
import type { RunContext } from './context.ts';
import type { NamedTarget, OpenProvider } from './provider.ts';

export interface OpenPointOptions {
  readonly wishes: ManagedWishes;
  readonly collection: string;
  readonly set: ManagedSet;
  readonly tokens: TokenKeeper;
  readonly onEvent: (event: SnapshotEvent) => void;
}

/**
 * Opens the provider that makes one restore point of the VM. Connects to nothing yet.
 *
 * @throws FlashfreezeError as `preparePoint`
 */
export function openRestorePoint(
  context: Pick<RunContext, 'request' | 'warnOnce'>,
  { wishes, collection, set, tokens, onEvent }: OpenPointOptions,
): OpenProvider {
  const { request } = context;
  const { point, leftOut } = preparePoint(set, {
    ...{ collection, group: wishes.group, namePrefix: wishes.namePrefix },
    mark: markRun(request.taskId),
    proxy: machineProxy()(set.manager.origin),
  });
  for (const { disk, because } of leftOut) {
    context.warnOnce(`the restore point does not contain ${labelOf(disk)}: ${because}`);
  }
  const snapshots = new RestorePointProvider(point, {
    onEvent,
    patienceMs: request.patienceMs,
    tokens,
    neededUntilMs: () => neededUntilMs(Date.now(), request.startAt, request.timeoutMs),
  });
  return { kind: 'managed', snapshots, targets: [targetOf(point, tokens)] };
}

function targetOf(point: PreparedPoint, tokens: TokenKeeper): NamedTarget {
  /** By the point: its disks are deleted with it, once. */
  const deletions = new Map<string, Promise<string | undefined>>();
  return {
    name: pointId(point, 0),
    blob: undefined,
    disks: point.disks.map(({ disk }) => disk),
    deleteSnapshot: (snapshot) => {
      const whole = snapshot.replace(/\/diskRestorePoints\/.*$/i, '');
      const deletion = deletions.get(whole) ?? deletePoint(whole, point, tokens);
      deletions.set(whole, deletion);
      return deletion;
    },
  };
}

async function deletePoint(
  id: string,
  { origin, proxy }: PreparedPoint,
  tokens: TokenKeeper,
): Promise<string | undefined> {
  const authorization = await tokens.forNow();
  // Imported here: only a run with a useless point needs it.
  const { deleteRestorePoint } = await import('../snapshot/managed/restore-point-deletion.ts');
  return await deleteRestorePoint(id, { origin, proxy, authorization });
}
