import { setTimeout as delay } from 'node:timers/promises';
import { readMounts } from '../../filesystems/read-plan.ts';
import { hasEnded, type ProcessIdentity, threadRuns } from '../../system/process-identity.ts';
import { forceThaw, type Thawed } from './force-thaw.ts';
import type { PendingThaw } from './pending-thaws.ts';

/** Limit for a FIFREEZE that was stuck when its process was killed: it returns about 300 ms after it is unblocked. */
const STUCK_LIMIT_MS = 10_000;
const AGAIN_MS = 20;
/** For the end of a killed process after the thaw. If something else keeps it in the kernel, its locks stay held. */
const END_LIMIT_MS = 2_000;

/**
 * Thaws the file systems of a dead run, all at the same time. A FITHAW is lost while the matching FIFREEZE has not
 * returned, and the death of its process does not end FIFREEZE. So FITHAW is repeated until that thread is gone.
 */
export async function runPendingThaws(
  pending: readonly PendingThaw[],
  process: ProcessIdentity,
): Promise<Thawed[]> {
  return await Promise.all(pending.map((it) => thawUntilFreezeEnds(it, process)));
}

/**
 * Waits, for a limited time, until a killed process has released its locks. To be called after its thaws: it may have
 * waited for them in the kernel.
 */
export async function awaitEnd(process: ProcessIdentity): Promise<void> {
  const endMs = performance.now() + END_LIMIT_MS;
  // Node has no event for the end of a process that is not its child.
  while (!(await hasEnded(process)) && performance.now() < endMs) {
    await delay(AGAIN_MS);
  }
}

async function thawUntilFreezeEnds(
  pending: PendingThaw,
  process: ProcessIdentity,
): Promise<Thawed> {
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
 * An unmounted file system stays frozen; it can be thawed through any other mount of it. If every mount of it is covered
 * by another mount, the thaw fails and stays pending: the next command may reach it.
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
    ? { mountPoint, state: 'failed', reason: 'another mount covers its mount point' }
    : { mountPoint, state: 'gone', reason: result?.reason };
}
