import type { FileSystem } from '../filesystems/plan-types.ts';
import { quiesce } from '../quiesce/quiesce.ts';
import { QuiesceError } from '../quiesce/quiesce-error.ts';
import type {
  Finding,
  QuiesceCircumstances,
  QuiescedApplication,
  QuiescePlan,
} from '../quiesce/quiesce-types.ts';
import type { RunContext } from './context.ts';
import { type Guarded, guardAgain, guardNothing, setAside } from './guards.ts';
import { notePendingCleanup } from './journal/pending-cleanup.ts';
import type { Prepared } from './prepare.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { coveredBy } from './whole-set/coverage.ts';

/** The result of quiescing, for the rest of the run. */
export interface Quiesced {
  /** Undefined if the run quiesces none. */
  readonly application: QuiescedApplication | undefined;
  /**
   * As given; planned again if scripts have run, because they may have mounted or unmounted something; without file
   * systems if the application asks for no freeze.
   */
  readonly guarded: Guarded;
}

/**
 * Quiesces the application, if the request names one. From then on the run releases it.
 *
 * @throws FlashfreezeError FF_INTERRUPTED; QuiesceError if the run must not go on without the application, which has
 * been released then
 */
export async function quiesceApplication(context: RunContext, guarded: Guarded): Promise<Quiesced> {
  const { quiesce: configuration } = context.request;
  if (configuration === undefined) {
    return { application: undefined, guarded };
  }
  for (const warning of configuration.warnings) {
    context.warn(warning);
  }
  const runsScripts = configuration.kind === 'scripts' && guarded.guards.freeze !== undefined;
  if (runsScripts) {
    await setAside(guarded);
  }
  const application = await context.phase('quiesce', () =>
    quiesce(configuration, circumstancesOf(configuration, context, guarded.prepared)),
  );
  context.resources.defer(() => application.resume());
  context.throwIfAborted();
  warnOf(application.findings, context);
  if (application.course === 'stop') {
    await resumeApplication(context, application);
    throw new QuiesceError(application.findings);
  }
  if (application.course === 'no-freeze') {
    return { application, guarded: await guardNothing(context, guarded) };
  }
  return {
    application,
    guarded: runsScripts
      ? await context.phase('prepare', () => guardAgain(context, guarded))
      : guarded,
  };
}

/**
 * The request without a freeze if the scripts' configuration forbids the freeze: the run then needs neither lock nor
 * guardian, and can back up a machine that has nothing to freeze.
 */
export function withoutForbiddenFreeze(request: BackupRequest): BackupRequest {
  const { quiesce: configuration } = request;
  return configuration?.kind === 'scripts' && !configuration.freezeFileSystems
    ? { ...request, freeze: false }
    : request;
}

/** Releases the application, in a phase of its own; to be called only after the thaw. @param isThawed as of `resume` */
export async function resumeApplication(
  context: RunContext,
  application: QuiescedApplication | undefined,
  isThawed = true,
): Promise<void> {
  if (application !== undefined) {
    const before = application.findings.length;
    await context.phase('resume', () => application.resume(isThawed));
    warnOf(application.findings.slice(before), context);
  }
}

/** Warns of tolerated findings; others are reported as problems or end the run. */
function warnOf(findings: readonly Finding[], observer: RunObserver): void {
  for (const { message, code } of findings.filter(({ tolerated }) => tolerated)) {
    observer.warn(`${message} (code ${code})`);
  }
}

function circumstancesOf(
  configuration: QuiescePlan,
  context: RunContext,
  { plan, targets }: Prepared,
): QuiesceCircumstances {
  const isCovered = coveredBy(plan, targets, context.request.includedLuns);
  return {
    fileSystems: plan.fileSystems,
    freezes:
      context.request.freeze &&
      (configuration.kind !== 'database' || configuration.freezeAfterAppSuccess),
    isSnapshotted: ({ disks }: FileSystem) => isCovered(disks),
    abort: context.abort,
    note: (message) => context.note(message),
    addPending: notePendingCleanup,
  };
}
