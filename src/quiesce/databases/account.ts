import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DatabaseFault } from './fault.ts';

/** Somebody a database's client may run as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * Looks an account up as the system does, wherever accounts are kept (getent(1) knows nsswitch.conf).
 *
 * @throws DatabaseFault 501 where there is none
 */
export async function lookUpAccount(name: string): Promise<Account> {
  const { stdout } = await promisify(execFile)('getent', ['passwd', '--', name]).catch(() => ({
    stdout: '',
  }));
  const [found = '', , uid = '', gid = '', , home = '/'] = stdout.trim().split(':');
  if (found === '' || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) {
    throw new DatabaseFault(501, `linux_user = ${name}: there is no such account`);
  }
  return { name: found, uid: Number(uid), gid: Number(gid), home };
}
