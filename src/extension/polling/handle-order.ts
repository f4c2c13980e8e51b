import { hostname } from 'node:os';
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
/** After a signal the service runs no longer than this for a report to the host. */
const TELL_TIMEOUT_MS = 10_000;

/**
 * Handles an order of the host: takes the snapshot, reports the result to the host, and then to the blobs that the order
 * names. Before the host has the result, only the unencrypted secrets of the order's settings are read.
 *
 * @returns whether the result could be reported to the host
 */
export async function handleOrder(
  installation: Installation,
  order: SnapshotOrder,
  client: HostClient,
  abort: AbortSignal,
): Promise<boolean> {
  // Another run may have died since the service started: the next write would block on what it left frozen.
  const abandoned = await thawAbandoned();
  // A context of its own: the log that is uploaded is this order's, and the service runs for a long time.
  const context = await openTaskContext(installation, 0);
  hideClearSecrets(context, order);
  for (const sentence of abandoned) {
    context.log.warning(sentence);
  }
  context.log.info(
    `the host wants snapshot ${order.snapshotId} of ${describeDisks(order)} of ${hostname()}`,
  );
  const note = await readOrderNote(installation.directory, order.snapshotId);
  if (note?.kind === 'concluded') {
    context.log.info(
      'the order was carried out before; only its result is still to be reported to the host',
    );
    return await publish(context, order, client, note.fault);
  }
  return await runAndTell(context, order, client, note !== undefined, abort);
}

/** @param isInterrupted an earlier process began the order and did not finish it */
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

/** Writes the note of the result first, so that an unreported result survives an upgrade. */
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
 * It is unknown whether the host has taken its snapshot, and whether everything was frozen then. A second
 * start would not answer that, because the host may take it for the first one.
 */
function interrupted(): FlashfreezeError {
  return new FlashfreezeError(
    'FF_INTERRUPTED',
    'the polling service or the machine ended while it handled this order, so it is unknown whether the snapshot is consistent; the file systems are thawed. Request a new snapshot.',
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

/** A host that refuses the result has received it; if it still wants the snapshot, it gets a new one. */
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
      `cannot report the result of snapshot ${order.snapshotId} to the host: ${said}`,
    );
  }
  if (isPublished || (status !== undefined && status >= 400 && status < 500)) {
    await noting(context, () => removeOrderNote(context.installation.directory));
  }
  return isPublished;
}

/** A note that cannot be written is logged; the order goes on. */
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
    log.warning(`cannot update the note of the order: ${String(error)}`);
  }
}
