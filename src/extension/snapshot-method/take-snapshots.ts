import { backupOrCrashConsistent, type RunOrFallback } from '../../backup/crash-consistent.ts';
import type { BackupRequest, RunObserver } from '../../backup/request.ts';
import type { SnapshotMethod } from '../../config/vmbackup.ts';
import { FlashfreezeError } from '../../errors.ts';
import { OS_DISK_LUN } from '../../filesystems/plan-types.ts';
import { sendableMetadata } from '../../snapshot/blob/metadata.ts';
import { HostClient } from '../../snapshot/host/host-client.ts';
import {
  type PreSnapshot,
  preSnapshot,
  secretsOfPreSnapshot,
} from '../../snapshot/host/pre-snapshot.ts';
import { unlessAborted } from '../../system/abort.ts';
import type { SnapshotCreator, TaskSettings } from '../task-types.ts';
import { mayBeCrashConsistent } from './crash-consistent.ts';
import { guestEndOf, guestEndOfError } from './guest-end.ts';
import { hostProviderOf, preSnapshotRequestOf } from './host-requests.ts';
import { managedWishesOf } from './managed-wishes.ts';
import { decideSnapshotMethod } from './method.ts';
import { decideStart } from './start.ts';
import { nextStep, type SnapshotStep, type StepsTaken } from './steps.ts';
import { onThisClock, trustedNow } from './trusted-time.ts';

/** What taking a task's snapshots needs. Holds secrets. */
export interface TakeSnapshotsOptions {
  readonly settings: TaskSettings;
  /** `SnapshotMethod` of vmbackup.conf. */
  readonly configured: SnapshotMethod | undefined;
  /** As the agent gives it; undefined for the default. */
  readonly wireProtocolAddress: string | undefined;
  /** As the guest would run it, with the task's blobs. */
  readonly request: BackupRequest;
  readonly observer: RunObserver;
  readonly abort: AbortSignal;
  /** Logs what is done. */
  readonly note: (message: string) => void;
  /** Receives each secret of the host before any text can contain it. */
  readonly hide: (secret: string) => void;
  /** Throws if the task comes too late by this clock: the host's if it is asked first. */
  readonly requireInTime: (now: Date) => void;
}

/** Which side took the snapshots, and the result. */
export interface Taken {
  /** Known also if it failed: the report contains the host's codes. */
  readonly creator: SnapshotCreator;
  readonly result: SnapshotResult;
}

export type SnapshotResult =
  | ({ readonly ok: true } & RunOrFallback)
  /** The run ended before anything was frozen. */
  | { readonly ok: false; readonly error: unknown };

/**
 * Takes a task's snapshots: by the guest, the host, or one after the other (settings.md, Who takes the
 * snapshot), with the crash-consistent fallback if it is permitted. Never rejects.
 */
export async function takeSnapshots(options: TakeSnapshotsOptions): Promise<Taken> {
  await using snapshots = new TaskSnapshots(options);
  return await snapshots.run();
}

class TaskSnapshots implements AsyncDisposable {
  readonly #options: TakeSnapshotsOptions;
  readonly #client: HostClient;
  #preSnapshot: PreSnapshot | undefined;
  #guest: SnapshotResult | undefined;
  #host: SnapshotResult | undefined;
  #steps: StepsTaken = {};
  readonly #begunNs = process.hrtime.bigint();
  #startAt: Date | undefined;

  constructor(options: TakeSnapshotsOptions) {
    this.#options = options;
    this.#client = HostClient.open(options.wireProtocolAddress);
  }

  async run(): Promise<Taken> {
    try {
      return this.#taken(await this.#takeByMethod());
    } catch (error) {
      return this.#taken({ ok: false, error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  async #takeByMethod(): Promise<SnapshotResult> {
    const { settings, configured, note } = this.#options;
    const { method, forcedBecause } = decideSnapshotMethod(settings, configured);
    note(`snapshots are taken ${method}${forcedBecause === undefined ? '' : `: ${forcedBecause}`}`);
    const hasBlobs = settings.blobs.length > 0 && settings.blobProblem === undefined;
    const circumstances = { method, hasBlobs };
    let step = nextStep(circumstances, this.#steps);
    if (step.kind !== 'pre-snapshot') {
      this.#judgeStart(undefined);
    }
    while (step.kind !== 'end' && step.kind !== 'fail') {
      await this.#carryOut(step);
      step = nextStep(circumstances, this.#steps);
    }
    return this.#resultOf(step);
  }

  async #carryOut(step: Exclude<SnapshotStep, { kind: 'end' | 'fail' }>): Promise<void> {
    switch (step.kind) {
      case 'pre-snapshot':
        await this.#askHost();
        break;
      case 'guest':
        await this.#takeByGuest();
        break;
      case 'managed':
        await this.#takeByIdentity();
        break;
      case 'host':
        await this.#takeByHost(this.#preSnapshot);
        break;
    }
  }

  async #askHost(): Promise<void> {
    const { settings, abort, note, hide } = this.#options;
    const answer = await unlessAborted(
      abort,
      preSnapshot(this.#client, preSnapshotRequestOf(settings), abort),
    );
    for (const secret of secretsOfPreSnapshot(answer)) {
      hide(secret);
    }
    const { statusCode, problem, bhsVersion, nodeId } = answer;
    note(
      problem ??
        `the host service answered pre-snapshot (${statusCode}, version ${bhsVersion}, node ${nodeId})`,
    );
    this.#preSnapshot = answer;
    this.#steps = { ...this.#steps, preSnapshot: statusCode };
    if (this.#guest === undefined) {
      this.#judgeStart(answer);
    }
  }

  /** @param answer the host's, whose clock is trusted most */
  #judgeStart(answer: PreSnapshot | undefined): void {
    const { request, observer, requireInTime } = this.#options;
    requireInTime(trustedNow(answer));
    const { startAt, warning } = decideStart(request.startAt, trustedNow(answer, this.#begunNs));
    if (warning !== undefined) {
      observer.warn(warning);
    }
    this.#startAt = startAt;
  }

  async #takeByGuest(): Promise<void> {
    const { settings, request, note, observer } = this.#options;
    const encrypted = settings.includedDisks.isVmAdeEnabled;
    const includedLuns = wantedLuns(settings);
    // The host takes any metadata in its JSON; a request of the guest carries them in headers.
    const { metadata, warnings } = sendableMetadata(request.metadata);
    for (const warning of warnings) {
      observer.warn(warning);
    }
    const result = await this.#back({ ...request, metadata, encrypted, includedLuns });
    const guest = result.ok
      ? guestEndOf(result.record)
      : guestEndOfError(result.error, settings.blobs.length);
    if (guest === 'every-disk-failed') {
      note('the guest could not snapshot any disk');
    }
    this.#guest = result;
    this.#steps = { ...this.#steps, guest };
  }

  async #takeByIdentity(): Promise<void> {
    const { settings, request, observer, hide } = this.#options;
    const { wishes, warnings } = managedWishesOf(settings);
    for (const warning of warnings) {
      observer.warn(warning);
    }
    this.#guest = await this.#back({
      ...{ ...request, blobs: [], metadata: [], foreignBlobs: 'accept' },
      provider: { kind: 'managed', wishes, learnSecret: hide },
      includedLuns: wishes.includeLuns,
    });
    this.#steps = { ...this.#steps, guest: 'ended' };
  }

  async #takeByHost(answer: PreSnapshot | undefined): Promise<void> {
    if (answer === undefined) {
      throw new Error('the host cannot take snapshots before a pre-snapshot call');
    }
    const { settings, request, note } = this.#options;
    const provider = hostProviderOf(this.#client, settings, answer);
    const includedLuns = wantedLuns(settings);
    this.#host = await this.#back({ ...request, blobs: [], provider, includedLuns });
    const host = isUnreachable(this.#host) ? 'unreachable' : 'ended';
    if (host === 'unreachable') {
      note('the host service became unreachable before anything was frozen');
    }
    this.#steps = { ...this.#steps, host };
  }

  async #back(request: BackupRequest): Promise<SnapshotResult> {
    const { settings, observer, abort } = this.#options;
    const startAt = this.#startAt && onThisClock(this.#startAt, this.#preSnapshot);
    try {
      const isPermitted = mayBeCrashConsistent(settings);
      return {
        ok: true,
        ...(await backupOrCrashConsistent({ ...request, startAt }, observer, abort, isPermitted)),
      };
    } catch (error) {
      return { ok: false, error };
    }
  }

  #resultOf(step: Extract<SnapshotStep, { kind: 'end' | 'fail' }>): SnapshotResult {
    const result = step.kind === 'end' && step.counts === 'guest' ? this.#guest : this.#host;
    if (result !== undefined) {
      return result;
    }
    throw step.kind === 'fail' && step.because === 'no-blobs'
      ? this.#blobsMissing()
      : new FlashfreezeError(
          'FF_HOST_UNREACHABLE',
          `${this.#preSnapshot?.problem ?? 'no request was sent to the host service'}; without it these disks cannot be snapshotted. Nothing was frozen.`,
        );
  }

  /** With managed disks only the host's part failed, and a retry may succeed; otherwise the task itself is wrong. */
  #blobsMissing(): FlashfreezeError {
    const { blobProblem, includedDisks } = this.#options.settings;
    const problem = blobProblem ?? includedDisks.lunProblem;
    if (problem !== undefined) {
      return problem;
    }
    return this.#preSnapshot === undefined
      ? new FlashfreezeError(
          'FF_SETTINGS_INVALID',
          'blobSASUri is missing from objectStr of protectedSettings; the guest is to take the snapshots and needs a SAS URI for each disk.',
        )
      : new FlashfreezeError(
          'FF_BLOBS_MISSING',
          'the task has no SAS URIs, so the guest cannot take snapshots, and the host cannot either.',
        );
  }

  #taken(result: SnapshotResult): Taken {
    const onlyHostAsked = this.#guest === undefined && this.#preSnapshot !== undefined;
    const byHost = result === this.#host || onlyHostAsked;
    const asked = this.#host?.ok ? this.#host.record.disks[0]?.answer.host : undefined;
    return {
      creator: {
        name: byHost ? 'backupHostService' : 'guestExtension',
        hostStatusCodePreSnapshot: this.#preSnapshot?.statusCode.toString(),
        hostStatusCodeDoSnapshot: asked?.statusCode.toString(),
      },
      result,
    };
  }
}

/**
 * Undefined: every disk. Empty if disks are left out on purpose and the settings do not say which: then no disk counts as
 * missing, and none as certainly in the set.
 */
export function wantedLuns({
  includedDisks,
  custom,
}: Pick<TaskSettings, 'includedDisks' | 'custom'>): readonly number[] | undefined {
  const { luns, isAnyDiskExcluded, lunProblem } = includedDisks;
  if (luns !== undefined && luns.length > 0) {
    return luns;
  }
  if (custom.isOnlyOsDiskBackupEnabled === true) {
    return [OS_DISK_LUN];
  }
  return luns ?? (isAnyDiskExcluded || lunProblem !== undefined ? [] : undefined);
}

function isUnreachable(result: SnapshotResult): boolean {
  const { error } = result.ok ? { error: undefined } : result;
  return error instanceof FlashfreezeError && error.code === 'FF_HOST_UNREACHABLE';
}
