import type { FileSystem } from '../filesystems/model.ts';
import type {
  Finding,
  QuiesceCircumstances,
  QuiescedApplication,
  QuiescePlan,
} from '../quiesce/model.ts';
import { quiesce } from '../quiesce/quiesce.ts';
import { QuiesceError } from '../quiesce/quiesce-error.ts';
import { throwIfAborted } from '../system/abort.ts';
import { noteOwed } from './journal/pending-cleanup.ts';
import type { Phases } from './phases.ts';
import { disksOf, type Prepared } from './prepare.ts';
import type { BackupRequest, RunObserver } from './request.ts';

/** What the rest of the run goes on with. */
export interface Quiesced {
  /** Undefined where none is to be quiesced. */
  readonly application: QuiescedApplication | undefined;
  /** As given, without file systems where the application asks for no freeze. */
  readonly prepared: Prepared;
}

/**
 * Quiesces the application, if the machine has one; from then on `resources` lets it go, where nobody did
 * before.
 *
 * @throws FlashfreezeError FF_INTERRUPTED; QuiesceError where the run must not go on without it. It has
 * been let go then
 */
export async function quiesceApplication(
  request: BackupRequest,
  prepared: Prepared,
  resources: AsyncDisposableStack,
  phases: Phases,
  observer: RunObserver,
  abort: AbortSignal,
): Promise<Quiesced> {
  const plan = request.quiesce;
  if (plan === undefined) {
    return { application: undefined, prepared };
  }
  for (const warning of plan.warnings) {
    observer.warn(warning);
  }
  const application = await phases.measure('quiesce', () =>
    quiesce(plan, circumstancesOf(plan, request, prepared, observer, abort)),
  );
  resources.defer(() => application.resume());
  throwIfAborted(abort);
  warnOf(application.findings, observer);
  if (application.course === 'stop') {
    await resumeApplication(application, phases, observer);
    throw new QuiesceError(application.findings);
  }
  return {
    application,
    prepared: application.course === 'freeze' ? prepared : withoutFreeze(prepared),
  };
}

/**
 * The same without a freeze where the scripts' configuration forbids it: then neither lock nor guardian is
 * needed, and a machine without anything to freeze is none that cannot be backed up.
 */
export function withoutForbiddenFreeze(request: BackupRequest): BackupRequest {
  const { quiesce: plan } = request;
  return plan?.kind === 'scripts' && !plan.freezeFileSystems
    ? { ...request, freeze: false }
    : request;
}

/** Lets the application go, as a phase of its own; only when nothing is frozen. */
export async function resumeApplication(
  application: QuiescedApplication | undefined,
  phases: Phases,
  observer: RunObserver,
): Promise<void> {
  if (application !== undefined) {
    const before = application.findings.length;
    await phases.measure('resume', () => application.resume());
    warnOf(application.findings.slice(before), observer);
  }
}

/** What is not tolerated is told as a problem, or ends the run. */
function warnOf(findings: readonly Finding[], observer: RunObserver): void {
  for (const { message, code } of findings.filter(({ tolerated }) => tolerated)) {
    observer.warn(`${message} (code ${code})`);
  }
}

function circumstancesOf(
  plan: QuiescePlan,
  request: BackupRequest,
  prepared: Prepared,
  observer: RunObserver,
  abort: AbortSignal,
): QuiesceCircumstances {
  const disks = disksOf(prepared);
  const isComplete = !disks.includes(undefined);
  return {
    fileSystems: prepared.plan.fileSystems,
    freezes: request.freeze && (plan.kind !== 'database' || plan.freezeAfterAppSuccess),
    // Behind a blob that matches no disk any disk may be.
    isSnapshotted: (fileSystem: FileSystem) =>
      !isComplete || fileSystem.disks.every((disk) => disks.includes(disk)),
    abort,
    note: (message) => observer.note?.(message),
    owe: noteOwed,
  };
}

function withoutFreeze(prepared: Prepared): Prepared {
  const plan = { ...prepared.plan, fileSystems: [], waves: [], thawsAfter: [] };
  return { ...prepared, plan, waves: [] };
}
