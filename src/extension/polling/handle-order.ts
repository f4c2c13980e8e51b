import { thawAbandoned } from '../../backup/journal/recover.ts';
import { FlashfreezeError } from '../../errors.ts';
import type { HostClient } from '../../snapshot/host/host-client.ts';
import type { Installation } from '../installation.ts';
import { openTaskContext, type TaskContext } from '../task/task-context.ts';
import { readOrderNote, removeOrderNote, writeOrderNote } from './order-note.ts';
import { hideClearSecrets } from './order-report-settings.ts';
import {
  describeDisks,
  isAccepted,
  type OrderFault,
  publishSnapshotRequest,
  type SnapshotOrder,
  startSnapshotRequest,
} from './orders.ts';
import { reportOrder } from './report-order.ts';
import { carryOut, type OrderResult, resultOf } from './run-order.ts';

const PUBLISH_TRIES = 4;
/** The service does not outlive a signal for longer. */
const TELL_TIMEOUT_MS = 10_000;

/**
 * Does what the host wants: takes the snapshot, tells the host what became of it, and reports it to the blobs that the
 * order names. Nothing of the order's settings is read before the host has been told, but for secrets in the clear.
 *
 * @returns whether the host could be told
 */
export async function followOrder(
  installation: Installation,
  order: SnapshotOrder,
  client: HostClient,
  abort: AbortSignal,
): Promise<boolean> {
  // The service lives on: another run may have died since it began, and the next write would wait for ever.
  const abandoned = await thawAbandoned();
  // One of its own: the log that is uploaded is this order's, and the service runs for a long time.
  const desk = await openTaskContext(installation, 0);
  hideClearSecrets(desk, order);
  for (const sentence of abandoned) {
    desk.log.warning(sentence);
  }
  desk.log.info(`the host wants snapshot ${order.snapshotId} of ${describeDisks(order)}`);
  const note = await readOrderNote(installation.directory, order.snapshotId);
  if (note?.kind === 'concluded') {
    desk.log.info('it was carried out before; only the host does not know it yet');
    return await publish(desk, order, client, note.fault);
  }
  const { fault, ...result } = redacted(
    desk,
    note === undefined ? await carryOutNoted(desk, order, client, abort) : interrupted(desk),
  );
  tellResult(desk, order, fault, result.heldMs);
  await noting(desk, () =>
    writeOrderNote(installation.directory, order.snapshotId, { kind: 'concluded', fault }),
  );
  if (!result.isStarted) {
    await client.call(startSnapshotRequest(order, fault), { timeoutMs: TELL_TIMEOUT_MS });
  }
  const isPublished = await publish(desk, order, client, fault);
  await reportOrder(desk, order, result.conclusion, abort);
  return isPublished;
}

async function carryOutNoted(
  desk: TaskContext,
  order: SnapshotOrder,
  client: HostClient,
  abort: AbortSignal,
): Promise<OrderResult> {
  await noting(desk, () =>
    writeOrderNote(desk.installation.directory, order.snapshotId, { kind: 'begun' }),
  );
  return await carryOut(desk, order, client, abort);
}

/**
 * Whether the host has taken its snapshot, and whether everything was frozen then, is known to nobody any more. A
 * second start would leave that open too, where the host takes it for the first one.
 */
function interrupted(desk: TaskContext): OrderResult {
  const error = new FlashfreezeError(
    'FF_INTERRUPTED',
    'the polling service or the machine ended in the midst of this order, so nobody knows whether the snapshot is consistent; what was frozen is thawed. Order a new one.',
  );
  desk.log.error(error.message);
  return resultOf({ ok: false, error });
}

/** The message goes to the host and into a file. */
function redacted({ redaction }: TaskContext, result: OrderResult): OrderResult {
  const { fault } = result;
  return fault === undefined
    ? result
    : { ...result, fault: { ...fault, message: redaction.redact(fault.message) } };
}

function tellResult(
  { log }: TaskContext,
  { snapshotId }: SnapshotOrder,
  fault: OrderFault | undefined,
  heldMs: number | undefined,
): void {
  const held = heldMs === undefined ? '' : `, ${heldMs.toFixed(1)} ms from freeze to answer`;
  if (fault === undefined) {
    log.info(`snapshot ${snapshotId} is consistent${held}`);
  } else {
    log.warning(`snapshot ${snapshotId} is not consistent${held}: ${fault.message}`);
  }
}

/** A host that refuses to hear of it has heard of it; where it wants the snapshot still, it gets a new one. */
async function publish(
  desk: TaskContext,
  order: SnapshotOrder,
  client: HostClient,
  fault: OrderFault | undefined,
): Promise<boolean> {
  const end = await client.call(publishSnapshotRequest(order, fault), {
    timeoutMs: TELL_TIMEOUT_MS,
    maxTries: PUBLISH_TRIES,
    succeeds: isAccepted,
  });
  const isPublished = end.kind === 'succeeded';
  const status = 'answer' in end ? end.answer.httpStatus : undefined;
  if (!isPublished) {
    const said = status === undefined ? 'it did not answer' : `it answered ${status}`;
    desk.log.warning(
      `the host could not be told what became of snapshot ${order.snapshotId}: ${said}`,
    );
  }
  if (isPublished || (status !== undefined && status >= 400 && status < 500)) {
    await noting(desk, () => removeOrderNote(desk.installation.directory));
  }
  return isPublished;
}

/** The order is more important than what is noted of it. */
async function noting({ log }: TaskContext, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    log.warning(`what becomes of the order could not be noted: ${String(error)}`);
  }
}
