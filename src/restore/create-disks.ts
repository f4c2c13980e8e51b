import { FlashfreezeError } from '../errors.ts';
import { ArmSession, type Followed } from '../restore-points/arm-session.ts';
import type { ManagedService } from '../restore-points/managed-service.ts';
import type { ExchangeEnd } from '../snapshot/http/exchange-end.ts';
import { type ArmId, armPath } from '../snapshot/managed/arm-id.ts';
import { diskErrorCode } from '../snapshot/managed/disk-failures.ts';
import { DISK_API_VERSION } from '../snapshot/managed/prepared-disk.ts';
import { RESTORE_ACTIONS } from '../snapshot/managed/role.ts';
import { inParallel } from '../system/in-parallel.ts';
import { type ExistingDisk, type ExpectedSize, judgeExisting } from './existing-disk.ts';
import { quoted, restoreFailure } from './restore-failures.ts';

/** Disks that are made at the same time. */
const AT_ONCE = 8;
/** For the operation that makes one disk; the data is copied after it. */
const OPERATION_LIMIT_MS = 30 * 60_000;
/** The service has no event for the end of a copy, so its state is asked for, at longer and longer intervals. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** A managed disk, and what it is made of. */
export interface DiskToMake {
  readonly id: ArmId;
  /** Id of the snapshot, or of a disk in a restore point of the VM. */
  readonly source: string;
  /** Of the source. */
  readonly size: ExpectedSize;
  /** Of the request that makes it. */
  readonly body: object;
}

/** `existed`: an earlier call had made it. */
export interface Made {
  readonly state: 'created' | 'existed' | 'failed';
  readonly error?: string;
  /** A VM may have written to it since it was made. */
  readonly wasAttached?: boolean;
}

export interface CreateOptions {
  readonly abort: AbortSignal;
  /** Called with what is under way, for people. */
  readonly progress: (text: string) => void;
}

/**
 * Makes managed disks through the resource manager. Nothing is overwritten: before the first request, every name is looked at. A
 * disk that was made of its snapshot counts as done, and one that is being made is waited for.
 *
 * @returns one for each disk
 * @throws FlashfreezeError FF_RESTORE_TARGET_EXISTS, or the code of a refusal: nothing was made
 */
export async function createDisks(
  service: ManagedService,
  disks: readonly DiskToMake[],
  { abort, progress }: CreateOptions,
): Promise<Made[]> {
  const found = await inParallel(disks, AT_ONCE, async (disk) => {
    using session = new ArmSession(service, abort);
    return await lookAt(session, service, disk);
  }).catch(noneIfInterrupted);
  if (found === undefined) {
    return disks.map(() => failed('interrupted; nothing was made'));
  }
  refuseForeign(disks, found);
  let done = 0;
  return await inParallel(disks, AT_ONCE, async (disk, index) => {
    const before = found[index] ?? { kind: 'nothing' };
    const show = (text: string): void =>
      progress(`${done} of ${disks.length} disks made${text === '' ? '' : `; ${text}`}`);
    show('');
    const made = await makeDisk(service, disk, before, { abort, progress: show }).catch(asFailed);
    done += 1;
    show('');
    return made;
  });
}

function refuseForeign(disks: readonly DiskToMake[], found: readonly ExistingDisk[]): void {
  const taken = disks.flatMap(({ id }, index) => {
    const it = found[index];
    return it?.kind === 'foreign' ? [`${id.text} exists, and ${it.because}`] : [];
  });
  if (taken.length > 0) {
    throw new FlashfreezeError(
      'FF_RESTORE_TARGET_EXISTS',
      `${taken.join('; ')}; expected a new name. Use another --prefix, or delete it yourself. Nothing was made`,
    );
  }
}

/** @throws FlashfreezeError if the service does not say what is there */
async function lookAt(
  session: ArmSession,
  { origin }: Pick<ManagedService, 'origin'>,
  { id, source, size }: DiskToMake,
): Promise<ExistingDisk> {
  const end = await session.ask('GET', diskPath(id));
  if (end?.kind === 'succeeded' && end.answer.httpStatus === 404 && !isGroupMissing(end)) {
    return { kind: 'nothing' };
  }
  const existing =
    end?.kind === 'succeeded' ? judgeExisting(end.answer.body, source, size) : undefined;
  if (existing === undefined) {
    const purpose = { action: RESTORE_ACTIONS.readDisk, scope: id.text };
    const failure = restoreFailure(end, origin, purpose);
    throw new FlashfreezeError(
      diskErrorCode(failure),
      `cannot look at the disk ${id.text}: ${failure.message}`,
    );
  }
  return existing;
}

function isGroupMissing(end: Extract<ExchangeEnd, { kind: 'succeeded' }>): boolean {
  return Buffer.concat(end.answer.body).includes('ResourceGroupNotFound');
}

async function makeDisk(
  service: ManagedService,
  disk: DiskToMake,
  before: ExistingDisk,
  { abort, progress }: CreateOptions,
): Promise<Made> {
  if (before.kind === 'made') {
    return { state: 'existed', wasAttached: before.wasAttached };
  }
  using session = new ArmSession(service, abort);
  if (before.kind === 'nothing' || before.kind === 'failed') {
    const { id, body } = disk;
    const path = diskPath(id);
    const limits = { limitMs: OPERATION_LIMIT_MS, resource: path };
    const followed = await session.follow('PUT', path, body, limits);
    const error = errorOf(followed, service.origin, id);
    if (error !== undefined) {
      return { state: 'failed', error };
    }
  }
  return await waitUntilMade(session, service, disk, progress);
}

/** Waits while Azure makes or fills the disk, and verifies it: its source, size and state. */
async function waitUntilMade(
  session: ArmSession,
  service: ManagedService,
  disk: DiskToMake,
  progress: CreateOptions['progress'],
): Promise<Made> {
  const { name } = disk.id;
  const endsMs = performance.now() + OPERATION_LIMIT_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const now = await lookAt(session, service, disk);
    switch (now.kind) {
      case 'made':
        return { state: 'created', wasAttached: now.wasAttached };
      case 'foreign':
        return failed(`it exists, and ${now.because}; use another --prefix`);
      case 'failed':
        return failed(`its provisioning state is ${now.state}; call again`);
      case 'nothing':
        return failed('it does not exist, although the service had accepted it; call again');
      case 'underWay':
        if (performance.now() > endsMs) {
          return failed(LATE);
        }
        break;
      case 'filling':
        progress(`${name} is filled: ${now.percent} %`);
    }
    await session.pause(pauseMs);
  }
}

const LATE =
  'Azure had not made it within 30 minutes, and goes on with it; call again to wait for it';

/** Undefined if the operation succeeded. */
function errorOf(followed: Followed, origin: string, { text }: ArmId): string | undefined {
  switch (followed.kind) {
    case 'succeeded':
      return undefined;
    case 'operation-failed':
      return `Azure's operation ended with ${followed.error.code}${quoted(followed.error)}; call again`;
    case 'late':
      return LATE;
    case 'exchange': {
      const action = followed.accepted ? RESTORE_ACTIONS.readDisk : RESTORE_ACTIONS.writeDisk;
      return restoreFailure(followed.end, origin, { action, scope: text }).message;
    }
  }
}

function failed(error: string): Made {
  return { state: 'failed', error };
}

function isInterruption(error: unknown): boolean {
  return error instanceof FlashfreezeError && error.code === 'FF_INTERRUPTED';
}

function noneIfInterrupted(error: unknown): undefined {
  if (!isInterruption(error)) {
    throw error;
  }
}

function asFailed(error: unknown): Made {
  if (error instanceof FlashfreezeError) {
    return failed(
      isInterruption(error)
        ? 'interrupted; Azure goes on with what it had accepted. Call again to go on'
        : error.message,
    );
  }
  throw error;
}

function diskPath(id: ArmId): string {
  return `${armPath(id)}?api-version=${DISK_API_VERSION}`;
}
