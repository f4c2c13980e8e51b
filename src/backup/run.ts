import { abortReasonOf } from '../system/abort.ts';
import { quiesceApplication, resumeApplication, withoutForbiddenFreeze } from './application.ts';
import { buildRecord } from './build-record.ts';
import { RunContext } from './context.ts';
import { describeResult } from './describe-result.ts';
import { flushDirtyData } from './flush.ts';
import { type Guards, guardWarnings, setAside, takeGuards } from './guards.ts';
import { lookAtClock } from './look-at-clock.ts';
import { withGuardianReport } from './outcome.ts';
import { type Prepared, prepare } from './prepare.ts';
import { readyToFreeze } from './ready-to-freeze.ts';
import type { BackupRecord } from './record.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import {
  bothClocks,
  FLUSH_AHEAD_MS,
  isFarAhead,
  limitedStart,
  PREPARE_AHEAD_MS,
  quiesceAheadMs,
  waitForStart,
} from './scheduled-start.ts';
import { type StorageAfterwards, storageAfterwards } from './verify-storage.ts';
import { warmUp } from './warm-up.ts';
import { runWindows, type WindowRuns, withAnswers } from './window-run.ts';

/**
 * One run, from reading the machine to its record (src/docs/design.md, The run). Resolves also if the run failed after
 * something was frozen: the record then contains the failure. Nothing is frozen when it returns, except for a file system
 * whose thaw the kernel does not finish (`stillFrozen` of the record); the next command thaws that. What the run holds
 * belongs to `context`, which releases it in reverse order whatever step throws.
 *
 * @param abort its reason is an `AbortReason`; ends the run at once, thawing what is frozen
 * @throws FlashfreezeError if the run ended before anything was frozen
 */
export async function backup(
  asked: BackupRequest,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<BackupRecord> {
  await using context = new RunContext(withoutForbiddenFreeze(asked), observer, abort);
  const { request } = context;
  // Everything that can fail for another reason than the freeze itself.
  const planned = await prepareInTime(context);
  const plannedNs = process.hrtime.bigint();
  await context.unlessAborted(Promise.resolve(request.beforeFreeze));
  context.throwIfAborted();

  // Other runs and tools are kept away, and something else than this process can thaw.
  await waitUntilAhead(context, FLUSH_AHEAD_MS);
  const guarded = await context.phase('lock', () => takeGuards(context, planned, plannedNs));
  await context.phase('settle', () => flushDirtyData(context, guarded.prepared));

  // Applications are held as briefly as possible: what does not depend on them comes before, the rest is quick.
  const warmNs = await warmUpForApplication(context, guarded.prepared);
  const quiesced = await quiesceApplication(context, guarded);
  const { guards, prepared, warm } = await readyToFreeze(context, quiesced.guarded, warmNs);

  // Freeze, fire, thaw; once more if a file system was stuck.
  const thawed = await runWindows(context, prepared, guards.freeze?.guardian, warm);

  const { application } = quiesced;
  const isThawed = prepared.freezer.isThawed();
  const hasScripts = request.quiesce?.kind === 'scripts';
  const lookAtStorage = async (): Promise<StorageAfterwards> =>
    await storageAfterwards(request.selection, prepared.plan, prepared.freezer);
  const beforeScripts = hasScripts ? await lookAtStorage() : undefined;
  // Before the scripts, so that other freezers need not wait for them and a post-script can unmount.
  if (isThawed) {
    guards.lock?.[Symbol.dispose]();
    await (hasScripts ? releasing(context, setAside({ guards, prepared })) : undefined);
  }
  await resumeApplication(context, application, isThawed);
  const storage = beforeScripts ?? (await lookAtStorage());
  if (isThawed) {
    await guards.balances.resume();
  }
  const windows = await withAnswers(thawed);
  return await context.phase('release', async () => {
    const counted = await releaseGuards(context, guards, windows);
    const record = await buildRecord(context, prepared, counted, { application, storage });
    await describeResult(context, prepared, record);
    return record;
  });
}

/**
 * Prepares the run. Long before a scheduled start it prepares only to find what is wrong, releases everything, so that
 * nothing is kept from being unmounted, and prepares again shortly before the start.
 */
async function prepareInTime(context: RunContext): Promise<Prepared> {
  if (isFarAhead(context.request.startAt, Date.now())) {
    await using trial = context.trial();
    await trial.phase('prepare', () => trial.unlessAborted(prepareWithClock(trial)));
    context.note('everything is ready; the run prepares again shortly before the start');
  }
  await waitUntilAhead(context, PREPARE_AHEAD_MS);
  const { startAt } = context.request;
  // From here on the run holds something.
  context.start = startAt && limitedStart(startAt, bothClocks());
  return await context.phase('prepare', () => context.unlessAborted(prepareWithClock(context)));
}

async function prepareWithClock(context: RunContext): Promise<Prepared> {
  // chronyc is asked meanwhile: it takes no time of the run.
  const [prepared] = await Promise.all([prepare(context), lookAtClock(context)]);
  return prepared;
}

/** Waits until `aheadMs` before the scheduled start; returns at once if there is none. */
async function waitUntilAhead(context: RunContext, aheadMs: number): Promise<void> {
  const { start } = context;
  if (start !== undefined) {
    await context.phase('wait', () => waitForStart(start, aheadMs, context.abort));
  }
}

/**
 * Does everything that does not depend on the application before the run quiesces it, so that it is quiesced only for
 * the rest.
 *
 * @returns CLOCK_MONOTONIC; when the connections were tested. Undefined if there is no application
 */
async function warmUpForApplication(
  context: RunContext,
  prepared: Prepared,
): Promise<bigint | undefined> {
  const { quiesce } = context.request;
  if (quiesce === undefined) {
    return undefined;
  }
  await waitUntilAhead(context, quiesceAheadMs(quiesce));
  return await context.phase('rewarm', () => warmUp(context, prepared));
}

/** Ends the guardian and releases everything that the run holds; takes the guardian's thaws into the record. */
async function releaseGuards(
  context: RunContext,
  guards: Guards,
  { last, earlier }: WindowRuns,
): Promise<WindowRuns> {
  const report = await guards.freeze?.guardian.release();
  for (const warning of guardWarnings(guards)) {
    context.warn(warning);
  }
  await releasing(context, context.release());
  const received = context.abort.aborted ? abortReasonOf(context.abort) : undefined;
  return { last: withGuardianReport(last, report, received), earlier };
}

/** After the thaw: what cannot be released is a warning, so that the run still reports its snapshots. */
async function releasing(context: RunContext, release: Promise<void>): Promise<void> {
  try {
    await release;
  } catch (error) {
    context.warn(`not everything that this run used could be released: ${String(error)}`);
  }
}
