import { machineProxy } from '../config/machine-proxy.ts';
import { DiskLanes } from '../snapshot/managed/disk-lanes.ts';
import { neededUntilMs } from '../snapshot/managed/identity-token.ts';
import { type ManagedSet, readManagedSet } from '../snapshot/managed/managed-set.ts';
import { labelOf } from '../snapshot/managed/select-disks.ts';
import { TokenKeeper } from '../snapshot/managed/token-keeper.ts';
import type { SnapshotEvent } from '../snapshot/snapshot-types.ts';
import type { RunContext } from './context.ts';
import type { NamedTarget, OpenProvider } from './provider.ts';
import type { ManagedRequest } from './request.ts';

/**
 * Asks the instance metadata for the VM's disks and for a token, and opens the lanes that request their snapshots, or the
 * provider that makes one restore point.
 *
 * @throws FlashfreezeError as `readManagedSet` and `DiskLanes.open`
 */
export async function openManagedDisks(
  context: Pick<RunContext, 'request' | 'abort' | 'warnOnce'>,
  { wishes, learnSecret }: ManagedRequest,
  onEvent: (event: SnapshotEvent) => void,
): Promise<OpenProvider> {
  const { request, abort } = context;
  const set = await readManagedSet(wishes, {
    runId: request.taskId,
    proxyFor: machineProxy(),
    abort,
  });
  const tokens = new TokenKeeper({
    audience: set.manager.audience,
    clientId: wishes.clientId,
    learnSecret,
    abort,
  });
  if (wishes.restorePoint !== undefined) {
    // Imported here: other runs need none of it.
    const { openRestorePoint } = await import('./restore-point-provider.ts');
    const collection = wishes.restorePoint;
    return openRestorePoint(context, { wishes, collection, set, tokens, onEvent });
  }
  for (const { disk, because } of set.leftOut.filter(({ isWanted }) => !isWanted)) {
    context.warnOnce(`no snapshot is taken of ${labelOf(disk)}: ${because}`);
  }
  const snapshots = await DiskLanes.open(set.prepared, {
    ...(request.lanes === undefined ? {} : { lanes: request.lanes }),
    patienceMs: request.patienceMs,
    onEvent,
    tokens,
    neededUntilMs: () => neededUntilMs(Date.now(), request.startAt, request.timeoutMs),
    warn: (message) => context.warnOnce(message),
  });
  const targets = targetsOf(set, tokens);
  const vmId = set.instance.vm.vmId || undefined;
  return { kind: 'managed', snapshots, targets, vmId, tagSnapshots: taggingWith(set, tokens) };
}

function taggingWith(
  { manager, prepared }: ManagedSet,
  tokens: TokenKeeper,
): NonNullable<OpenProvider['tagSnapshots']> {
  return async (wanted) => {
    // Post-scripts may have run for long: the token of the window may have expired.
    const authorization = await tokens.forNow();
    const { tagSnapshots } = await import('../snapshot/managed/tag-snapshots.ts');
    const { origin } = manager;
    return await tagSnapshots(wanted, { origin, authorization, proxy: prepared[0]?.proxy });
  };
}

function targetsOf({ chosen, prepared, manager }: ManagedSet, tokens: TokenKeeper): NamedTarget[] {
  return chosen.map(({ disk, id }, index) => ({
    name: id.text,
    blob: undefined,
    disk,
    deleteSnapshot: async (snapshot) => {
      const authorization = await tokens.forNow();
      // Imported here: only a run with useless snapshots needs it.
      const { deleteDiskSnapshot } = await import('../snapshot/managed/delete-snapshot.ts');
      const { origin } = manager;
      return await deleteDiskSnapshot(snapshot, {
        ...{ origin, authorization },
        proxy: prepared[index]?.proxy,
      });
    },
  }));
}
