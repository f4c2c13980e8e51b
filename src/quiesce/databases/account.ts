import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DatabaseFault } from './fault.ts';

/** An account that a database's client may run as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** A home without files in it. */
export const NO_HOME = '/nonexistent';

/** Accounts may be kept by a directory service that does not answer. */
const LOOK_UP_LIMIT_MS = 10_000;

/**
 * Looks an account up as the system does, wherever accounts are kept (getent(1) knows nsswitch.conf).
 *
 * @param abort ends it, at once
 * @param limitMs at most 10 s
 * @throws DatabaseFault 501 if there is none, 510 if there was no answer until the time was over or
 * it was aborted
 */
export async function lookUpAccount(
  name: string,
  abort?: AbortSignal,
  limitMs: number = LOOK_UP_LIMIT_MS,
): Promise<Account> {
  const expired = AbortSignal.timeout(Math.min(Math.ceil(limitMs), LOOK_UP_LIMIT_MS));
  const signal = abort === undefined ? expired : AbortSignal.any([abort, expired]);
  const { stdout } = await promisify(execFile)('getent', ['passwd', '--', name], {
    signal,
    killSignal: 'SIGKILL',
  }).catch(() => ({ stdout: '' }));
  if (stdout === '' && signal.aborted) {
    throw new DatabaseFault(
      510,
      `linux_user = ${name}: the account was not found in time; see what "getent passwd ${name}" waits for`,
    );
  }
  const [found = '', , uid = '', gid = '', , home = '/'] = stdout.trim().split(':');
  if (found === '' || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) {
    throw new DatabaseFault(501, `linux_user = ${name}: there is no such account`);
  }
  return { name: found, uid: Number(uid), gid: Number(gid), home };
}
