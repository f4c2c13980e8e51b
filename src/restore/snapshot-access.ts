import * as v from 'valibot';
import { machineProxy } from '../config/machine-proxy.ts';
import { FlashfreezeError } from '../errors.ts';
import { ArmSession, type Followed } from '../restore-points/arm-session.ts';
import type { ManagedService } from '../restore-points/managed-service.ts';
import type { RawAnswer } from '../snapshot/http/attempt.ts';
import { type ArmId, armPath } from '../snapshot/managed/arm-id.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { DISK_API_VERSION } from '../snapshot/managed/prepared-disk.ts';
import { RESTORE_ACTIONS } from '../snapshot/managed/role.ts';
import { sasReader } from './blob-reader.ts';
import { readManagedSource } from './managed-source.ts';
import { quoted, restoreFailure } from './restore-failures.ts';
import { unreadableBecause } from './source-facts.ts';
import type { OpenSnapshot } from './verify-point.ts';

/** Until the service ends an access by itself, if this process is killed. */
const ACCESS_SECONDS = 600;
const BEGIN_LIMIT_MS = 2 * 60_000;
const END_LIMIT_MS = 30_000;

export interface AccessOptions {
  /** Ends what is under way. Accesses are ended all the same. */
  readonly abort: AbortSignal;
  /** Receives the SAS before it is used, so that no text shows it. */
  readonly learnSecret: (url: string) => void;
}

/**
 * Lets the content of a snapshot be read: asks the service for a SAS. Every access that may have begun is ended: by `close`, or
 * before this function throws.
 *
 * @param sizeBytes of the disk
 * @throws FlashfreezeError with the reason, or FF_INTERRUPTED
 */
export async function openSnapshot(
  service: ManagedService,
  id: ArmId,
  sizeBytes: number,
  { abort, learnSecret }: AccessOptions,
): Promise<OpenSnapshot> {
  using session = new ArmSession(service, abort);
  await requireReadable(session, service, id);
  const body = { access: 'Read', durationInSeconds: ACCESS_SECONDS };
  const limits = { limitMs: BEGIN_LIMIT_MS, resource: undefined };
  let mayHaveBegun = true;
  try {
    const followed = await session.follow('POST', actionPath(id, 'beginGetAccess'), body, limits);
    mayHaveBegun = !isRefused(followed);
    const url = sasIn(followed, service.origin, id);
    learnSecret(url);
    const read = await sasReader(url, machineProxy()(url), sizeBytes, abort);
    return { read, close: () => endAccess(service, id) };
  } catch (error) {
    const left = mayHaveBegun ? await endAccess(service, id) : undefined;
    throw left !== undefined && error instanceof FlashfreezeError
      ? new FlashfreezeError(error.code, `${error.message}; ${left}`)
      : error;
  }
}

/** Ending an access ends those of other programs too, so a snapshot that another one reads is left alone. */
async function requireReadable(
  session: ArmSession,
  service: ManagedService,
  id: ArmId,
): Promise<void> {
  const { source, problem } = await readManagedSource(session, service, id.text);
  const because = source === undefined ? problem : unreadableBecause(source);
  if (because !== undefined) {
    throw refused(because);
  }
}

function isRefused(followed: Followed): boolean {
  return (
    followed.kind === 'exchange' &&
    !followed.accepted &&
    followed.end?.kind === 'refused' &&
    followed.end.answer.httpStatus < 500
  );
}

/** The SAS in the answer; throws why there is none. */
function sasIn(followed: Followed, origin: string, { text }: ArmId): string {
  switch (followed.kind) {
    case 'succeeded': {
      const url = urlIn(followed.answer);
      if (url === undefined) {
        throw refused('the service gave no https URL to read its content; try again');
      }
      return url;
    }
    case 'operation-failed':
      throw refused(
        `the service gave no read access: ${followed.error.code}${quoted(followed.error)}`,
      );
    case 'late':
      throw refused('the service gave no read access within two minutes; try again');
    case 'exchange': {
      const purpose = { action: RESTORE_ACTIONS.readContent, scope: text };
      throw refused(restoreFailure(followed.end, origin, purpose).message);
    }
  }
}

const accessSchema = v.object({ accessSAS: v.string() });
const outputSchema = v.union([
  accessSchema,
  v.object({ properties: v.object({ output: accessSchema }) }),
]);

function urlIn({ body }: RawAnswer): string | undefined {
  const parsed = v.safeParse(outputSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { accessSAS } =
    'properties' in parsed.output ? parsed.output.properties.output : parsed.output;
  return URL.parse(accessSAS)?.protocol === 'https:' ? accessSAS : undefined;
}

/** @returns why it could not be ended, for people; undefined if it was */
async function endAccess(service: ManagedService, id: ArmId): Promise<string | undefined> {
  try {
    using session = new ArmSession(service);
    const followed = await session.follow('POST', actionPath(id, 'endGetAccess'), undefined, {
      ...{ limitMs: END_LIMIT_MS, resource: undefined },
    });
    const reason = endProblem(followed, service.origin, id);
    return reason === undefined ? undefined : notEnded(id, reason);
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return notEnded(id, error.message);
    }
    throw error;
  }
}

function endProblem(followed: Followed, origin: string, { text }: ArmId): string | undefined {
  switch (followed.kind) {
    case 'succeeded':
      return undefined;
    case 'operation-failed':
      return `${followed.error.code}${quoted(followed.error)}`;
    case 'late':
      return 'the service had not done it within 30 s';
    case 'exchange': {
      const purpose = { action: RESTORE_ACTIONS.endReading, scope: text };
      return followed.accepted ? undefined : restoreFailure(followed.end, origin, purpose).message;
    }
  }
}

function notEnded({ text }: ArmId, reason: string): string {
  return `the read access to ${text} could not be ended, and ends by itself within ${ACCESS_SECONDS / 60} minutes (az snapshot revoke-access ends it now): ${reason}`;
}

function actionPath(id: ArmId, action: 'beginGetAccess' | 'endGetAccess'): string {
  return `${armPath(id)}/${action}?api-version=${DISK_API_VERSION}`;
}

function refused(message: string): FlashfreezeError {
  return new FlashfreezeError('FF_DISK_REFUSED', message);
}
