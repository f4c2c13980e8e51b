import type { ArmedFreezer, Guardian } from '../freezer/guardian.ts';
import type { SnapshotAnswer } from '../snapshot/snapshot-types.ts';
import { abortReasonOf } from '../system/abort.ts';
import { nanoseconds } from '../system/stamps.ts';
import { type RoleTime, threadTimes, timesBetween, timesByRole } from '../system/thread-times.ts';
import type { RunContext } from './context.ts';
import { slowestFirst, slowFirst } from './flush.ts';
import type { Prepared } from './prepare.ts';
import { rewarm } from './provider.ts';
import type { WritesSeen } from './record.ts';
import { stuckFirst } from './schedule/stuck-first.ts';
import {
  ARM_AHEAD_MS,
  leftUntilStart,
  type Start,
  waitExactly,
  waitForStart,
} from './scheduled-start.ts';
import { StuckWatch } from './stuck-watch.ts';
import type { Warm } from './warm-up.ts';
import { FreezeWindow, type WindowRecord } from './window.ts';
import { windowEffects } from './window-effects.ts';
import { WriteWatch } from './write-watch.ts';

/** With less time than this, a second window would only block the writers once more. */
const LEAST_TIME_MS = 1_000;

/** One window, its findings and write counters, and the answers to its requests. */
export interface WindowRun extends WindowRecord {
  /** Sentences on what the freezes waited for, if they took too long. */
  readonly findings: readonly string[];
  /** For each target the result of the write counters of its disks. */
  readonly writes: readonly WritesSeen[];
  readonly answers: readonly SnapshotAnswer[];
  /** Processor time and page faults of this process, from right before the window to its end. */
  readonly threads: readonly RoleTime[];
}

/** The windows of a run, in order; only the last one counts. */
export interface WindowRuns {
  readonly last: WindowRun;
  /** Windows that were broken off because a file system did not freeze in time. */
  readonly earlier: readonly WindowRun[];
}

/** Nothing is frozen any more. The service may be asked once more what became of a request: nothing waits for that. */
interface ThawedWindow extends Omit<WindowRun, 'answers'> {
  /** Never rejects before it is awaited. */
  readonly answers: Promise<readonly SnapshotAnswer[]>;
}

/** The windows of a run after the thaw. */
export interface ThawedWindows {
  readonly last: ThawedWindow;
  readonly earlier: readonly WindowRun[];
}

/** Waits for the answers to the requests of the last window. */
export async function withAnswers({ last, earlier }: ThawedWindows): Promise<WindowRuns> {
  return { last: await answered(last), earlier };
}

async function answered(window: ThawedWindow): Promise<WindowRun> {
  return { ...window, answers: await window.answers };
}

/**
 * Opens the window. If a file system was stuck and there is time left, opens a second window that freezes the stuck ones
 * first (design, law 2). Between the two windows nothing is frozen.
 *
 * @param guardian undefined if there is nothing to freeze
 * @throws FlashfreezeError FF_INTERRUPTED before the first window
 */
export async function runWindows(
  context: RunContext,
  prepared: Prepared,
  guardian: Guardian | undefined,
  warm: Warm,
): Promise<ThawedWindows> {
  const { request } = context;
  const deadlineNs = scheduledNs(context.start) + nanoseconds(request.timeoutMs);
  const open = (waves: Waves, now: Warm): Promise<ThawedWindow> =>
    armAndRun(context, prepared, guardian, { ...now, waves, deadlineNs });
  const flushNs = warm.flushed.map(({ startNs, endNs }) => endNs - startNs);
  const { plan, stuckBefore } = prepared;
  const slow = slowFirst(plan, plan.waves, flushNs);
  const waves = slowestFirst(stuckFirst(plan, slow, stuckBefore), flushNs);
  const first = await open(waves, warm);
  const stuck = stuckIn(first);
  const again = stuck.length > 0 && request.retryStuckFreeze && prepared.freezer.isThawed();
  if (!again || deadlineNs - process.hrtime.bigint() < nanoseconds(LEAST_TIME_MS)) {
    return { last: first, earlier: [] };
  }
  const earlier = [await answered(first)];
  try {
    await rewarm(prepared.provider, (message) => context.warnOnce(message));
    const reordered = stuckFirst(plan, waves, stuck);
    const writes = context.resources.use(WriteWatch.of(prepared));
    return { last: await open(reordered, { ...warm, writes }), earlier };
  } catch (error) {
    // The first window is reported.
    const reason = error instanceof Error ? error.message : String(error);
    context.warnOnce(`the second attempt to freeze could not begin: ${reason}`);
    return { last: first, earlier: [] };
  }
}

type Waves = readonly (readonly number[])[];

/** The order of the freezes in one window, and its deadline. */
interface WindowPlan extends Warm {
  readonly waves: Waves;
  /** CLOCK_MONOTONIC; nothing stays frozen after it. */
  readonly deadlineNs: bigint;
}

async function armAndRun(
  context: RunContext,
  prepared: Prepared,
  guardian: Guardian | undefined,
  windowPlan: WindowPlan,
): Promise<ThawedWindow> {
  const armed = await context.phase('arm', async () => {
    const freezer = await guardian?.arm(windowPlan.deadlineNs);
    await waitForStart(context.start, ARM_AHEAD_MS, context.abort);
    context.throwIfAborted();
    return freezer;
  });
  const window = await context.phase('window', () =>
    runWindow(context, prepared, windowPlan, armed),
  );
  const answers = prepared.provider.snapshots.answers();
  answers.catch(() => {});
  return { ...window, answers };
}

/**
 * One window: expedites grace periods, freezes, sends the requests, thaws. Returns when nothing is frozen any more.
 * While a wave freezes, the guardian is armed with the limit of that wave; from the barrier on, with the deadline.
 */
async function runWindow(
  context: RunContext,
  prepared: Prepared,
  windowPlan: WindowPlan,
  armed: ArmedFreezer | undefined,
): Promise<Omit<WindowRun, 'answers'>> {
  const { plan, freezer, schedule } = prepared;
  const { abort } = context;
  const { writes } = windowPlan;
  using watch = new StuckWatch(freezer, plan, () => window.stillFreezing());
  const window: FreezeWindow = new FreezeWindow(
    { ...schedule, waves: windowPlan.waves },
    windowEffects(
      context.request,
      { freezer, armed, snapshots: prepared.provider.snapshots, watch },
      windowPlan.deadlineNs,
    ),
    writes,
    windowPlan.flushed,
  );
  using _freezing = context.freezerEvents.listen((event) => window.onFreezerEvent(event));
  using _snapshots = context.snapshotEvents.listen((event) => window.onSnapshotEvent(event));
  const onAbort = (): void => window.abort(abortReasonOf(abort));
  abort.addEventListener('abort', onAbort, { once: true });
  const before = threadTimes(process.pid, 'main-last');
  freezer.expedite();
  try {
    // This wait comes last, so that the first FIFREEZE follows the scheduled time directly.
    await waitExactly(context.start, abort);
    context.throwIfAborted();
    const record = await window.run();
    const threads = timesBetween(before, threadTimes(process.pid, 'main-first'));
    return {
      ...record,
      threads: timesByRole(process.pid, threads),
      findings: await watch.findings(),
      writes: writes.results(),
    };
  } finally {
    abort.removeEventListener('abort', onAbort);
    freezer.restoreGracePeriods();
    if (freezer.isThawed()) {
      armed?.disarm();
    }
  }
}

/** The time of the first FIFREEZE on CLOCK_MONOTONIC: now, or the scheduled start. */
function scheduledNs(start: Start | undefined): bigint {
  return process.hrtime.bigint() + nanoseconds(Math.max(0, leftUntilStart(start)));
}

/** The file systems that kept a window from reaching its barrier. */
export function stuckIn({ end, barrier }: WindowRecord): readonly number[] {
  return end.kind === 'deadline' && barrier === undefined ? end.stuck : [];
}
