import { setTimeout as delay } from 'node:timers/promises';
import { readMounts } from '../../filesystems/read-plan.ts';
import { type ProcessIdentity, threadRuns } from '../../system/process-identity.ts';
import { forceThaw, type Thawed } from './force-thaw.ts';
import type { PendingThaw } from './pending-thaws.ts';

/** A FIFREEZE that was stuck when its process was killed returns some 300 ms after what it waits for. */
const STUCK_LIMIT_MS = 10_000;
const AGAIN_MS = 20;

/**
 * Thaws what a dead run owes, all at once. A FITHAW is lost while the matching FIFREEZE has not
 * returned, which the death of its process does not end: so it is repeated until that thread is gone.
 */
export async function runPendingThaws(
  pending: readonly PendingThaw[],
  process: ProcessIdentity,
): Promise<Thawed[]> {
  return await Promise.all(pending.map((it) => thawUntilSettled(it, process)));
}

async function thawUntilSettled(pending: PendingThaw, process: ProcessIdentity): Promise<Thawed> {
  const endMs = performance.now() + STUCK_LIMIT_MS;
  let wasFrozen = false;
  for (;;) {
    const { freezingThread } = pending;
    const isFreezing = freezingThread !== undefined && (await threadRuns(process, freezingThread));
    const result = await thawWhereMounted(pending);
    wasFrozen ||= result.state === 'thawed';
    if (!isFreezing) {
      return wasFrozen && result.state === 'not-frozen' ? { ...result, state: 'thawed' } : result;
    }
    if (performance.now() > endMs) {
      return { ...result, state: 'failed', reason: `process ${process.pid} is stuck freezing it` };
    }
    await delay(AGAIN_MS);
  }
}

/**
 * A file system that was unmounted stays frozen, and can be had through any other mount of it. One that is
 * mounted, but below other mounts only, is not given up: it may be had the next time.
 */
async function thawWhereMounted(pending: PendingThaw): Promise<Thawed> {
  const [result] = await forceThaw([pending]);
  if (result !== undefined && result.state !== 'gone') {
    return result;
  }
  const { mounts } = await readMounts();
  const ours = mounts.filter(({ device }) => device === pending.device);
  for (const { mountPoint } of ours) {
    const [other] = await forceThaw([{ mountPoint, device: pending.device }]);
    if (other !== undefined && other.state !== 'gone') {
      return other;
    }
  }
  const { mountPoint } = pending;
  return ours.length > 0
    ? { mountPoint, state: 'failed', reason: 'another mount lies over it' }
    : { mountPoint, state: 'gone', reason: result?.reason };
}
