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
import { notePendingCleanup } from './journal/pending-cleanup.ts';
import { type Prepared, withoutFreeze } from './prepare.ts';
import type { BackupRequest, RunObserver } from './request.ts';
import { knownDisks } from './whole-set/behind.ts';

/** What the rest of the run goes on with. */
export interface Quiesced {
  /** Undefined where none is to be quiesced. */
  readonly application: QuiescedApplication | undefined;
  /** As given, without file systems where the application asks for no freeze. */
  readonly prepared: Prepared;
}

/**
 * Quiesces the application, if the machine has one; from then on its release belongs to the run.
 *
 * @throws FlashfreezeError FF_INTERRUPTED; QuiesceError if the run must not go on without it. It has
 * been released then
 */
export async function quiesceApplication(
  context: RunContext,
  prepared: Prepared,
): Promise<Quiesced> {
  const { quiesce: configuration } = context.request;
  if (configuration === undefined) {
    return { application: undefined, prepared };
  }
  for (const warning of configuration.warnings) {
    context.warn(warning);
  }
  const application = await context.phase('quiesce', () =>
    quiesce(configuration, circumstancesOf(configuration, context, prepared)),
  );
  context.resources.defer(() => application.resume());
  context.throwIfAborted();
  warnOf(application.findings, context);
  if (application.course === 'stop') {
    await resumeApplication(context, application);
    throw new QuiesceError(application.findings);
  }
  return {
    application,
    prepared: application.course === 'freeze' ? prepared : withoutFreeze(prepared, context.request),
  };
}

/**
 * Without a freeze if the scripts' configuration forbids it: then neither lock nor guardian is
 * needed, and a machine that has nothing to freeze can be backed up.
 */
export function withoutForbiddenFreeze(request: BackupRequest): BackupRequest {
  const { quiesce: configuration } = request;
  return configuration?.kind === 'scripts' && !configuration.freezeFileSystems
    ? { ...request, freeze: false }
    : request;
}

/** Releases the application, as a phase of its own; only when nothing is frozen. */
export async function resumeApplication(
  context: RunContext,
  application: QuiescedApplication | undefined,
): Promise<void> {
  if (application !== undefined) {
    const before = application.findings.length;
    await context.phase('resume', () => application.resume());
    warnOf(application.findings.slice(before), context);
  }
}

/** What is not tolerated is told as a problem, or ends the run. */
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
  const disks = knownDisks(targets);
  const isComplete = !disks.includes(undefined);
  return {
    fileSystems: plan.fileSystems,
    freezes:
      context.request.freeze &&
      (configuration.kind !== 'database' || configuration.freezeAfterAppSuccess),
    // Behind a blob that matches no disk any disk may be.
    isSnapshotted: (fileSystem: FileSystem) =>
      !isComplete || fileSystem.disks.every((disk) => disks.includes(disk)),
    abort: context.abort,
    note: (message) => context.note(message),
    addPending: notePendingCleanup,
  };
}
