import { thawAbandoned } from '../../backup/journal/recover.ts';
import { FlashfreezeError } from '../../errors.ts';
import { endPipeline, type PipelineSteps, runPipeline } from '../../pipeline/pipeline.ts';
import { QUIESCE_PATHS } from '../../quiesce/read-configuration.ts';
import type { HostClient } from '../../snapshot/host/host-client.ts';
import type { Installation } from '../installation.ts';
import { detailsOf, toKeep } from '../task/run-task.ts';
import { openTaskContext, type TaskContext } from '../task/task-context.ts';
import { type OrderNote, readOrderNote, removeOrderNote, writeOrderNote } from './order-note.ts';
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
import { type OrderResult, resultOf, runOrder } from './run-order.ts';

const PUBLISH_TRIES = 4;
/** The service does not outlive a signal for longer. */
const TELL_TIMEOUT_MS = 10_000;

/**
 * Handles an order of the host: takes the snapshot, tells the host what became of it, and reports it to the blobs that
 * the order names. Nothing of the order's settings is read before the host has been told, except for secrets in the clear.
 *
 * @returns whether the host could be told
 */
export async function handleOrder(
  installation: Installation,
  order: SnapshotOrder,
  client: HostClient,
  abort: AbortSignal,
): Promise<boolean> {
  // The service lives on: another run may have died since it began, and the next write would wait for ever.
  const abandoned = await thawAbandoned();
  // A context of its own: the log that is uploaded is this order's, and the service runs for a long time.
  const context = await openTaskContext(installation, 0);
  hideClearSecrets(context, order);
  for (const sentence of abandoned) {
    context.log.warning(sentence);
  }
  context.log.info(`the host wants snapshot ${order.snapshotId} of ${describeDisks(order)}`);
  const note = await readOrderNote(installation.directory, order.snapshotId);
  if (note?.kind === 'concluded') {
    context.log.info('it was carried out before; only the host does not know it yet');
    return await publish(context, order, client, note.fault);
  }
  return await runAndTell(context, order, client, note !== undefined, abort);
}

/** @param isInterrupted it was begun before, and not ended */
async function runAndTell(
  context: TaskContext,
  order: SnapshotOrder,
  client: HostClient,
  isInterrupted: boolean,
  abort: AbortSignal,
): Promise<boolean> {
  let isPublished = false;
  let taskId = order.snapshotId;
  const steps: PipelineSteps<OrderResult> = {
    applications: QUIESCE_PATHS,
    take: async (readQuiesce) => {
      await noteOrder(context, order, { kind: 'begun' });
      return await runOrder(context, order, client, readQuiesce(), abort);
    },
    refused: (error) => {
      context.log.error(detailsOf(error));
      return resultOf({ ok: false, error });
    },
    tell: async (result) => {
      isPublished = await tellHost(context, order, client, redacted(context, result));
      taskId = (await reportOrder(context, order, result.conclusion, abort)) ?? taskId;
    },
    toKeep: ({ conclusion }) => toKeep(context, taskId, conclusion),
  };
  if (isInterrupted) {
    await endPipeline(context, steps, steps.refused(interrupted()));
  } else {
    await runPipeline(context, steps);
  }
  return isPublished;
}

/** The result is noted first: what the host has not heard yet outlives an upgrade. */
async function tellHost(
  context: TaskContext,
  order: SnapshotOrder,
  client: HostClient,
  { fault, heldMs, isStarted }: OrderResult,
): Promise<boolean> {
  logResult(context, order, fault, heldMs);
  await noteOrder(context, order, { kind: 'concluded', fault });
  if (!isStarted) {
    await client.call(startSnapshotRequest(order, fault), { timeoutMs: TELL_TIMEOUT_MS });
  }
  return await publish(context, order, client, fault);
}

/**
 * Nothing shows any more whether the host has taken its snapshot, and whether everything was frozen then. A
 * second start would leave that open too, if the host takes it for the first one.
 */
function interrupted(): FlashfreezeError {
  return new FlashfreezeError(
    'FF_INTERRUPTED',
    'the polling service or the machine ended while it handled this order, so it is unknown whether the snapshot is consistent; what was frozen is thawed. Order a new one.',
  );
}

/** The message goes to the host and into a file. */
function redacted({ redaction }: TaskContext, result: OrderResult): OrderResult {
  const { fault } = result;
  return fault === undefined
    ? result
    : { ...result, fault: { ...fault, message: redaction.redact(fault.message) } };
}

function logResult(
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
  context: TaskContext,
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
    context.log.warning(
      `the host could not be told what became of snapshot ${order.snapshotId}: ${said}`,
    );
  }
  if (isPublished || (status !== undefined && status >= 400 && status < 500)) {
    await noting(context, () => removeOrderNote(context.installation.directory));
  }
  return isPublished;
}

/** The order is more important than the note of it. */
async function noteOrder(
  context: TaskContext,
  { snapshotId }: SnapshotOrder,
  note: OrderNote,
): Promise<void> {
  const { directory } = context.installation;
  await noting(context, () => writeOrderNote(directory, snapshotId, note));
}

async function noting({ log }: TaskContext, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    log.warning(`what becomes of the order could not be noted: ${String(error)}`);
  }
}
