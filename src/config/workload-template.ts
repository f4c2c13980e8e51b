import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { reasonOf } from '../system/errno.ts';
import { systemCallFailure } from '../system/native.ts';
import { SafeDirectory } from '../system/safe-directory.ts';
import { WORKLOAD_PATH } from './workload.ts';

/** The keys that Azure's documentation of database workloads tells users to fill in; as it is, it names no workload. */
export const WORKLOAD_TEMPLATE = `[workload]
# workload_name: mysql, mariadb, postgres or oracle; while it is empty, no database is quiesced
workload_name =
command_path =
credString =
ipc_folder =
timeout =
linux_user =
`;

/**
 * Writes the template if there is no workload.conf. A file that is there stays as it is, and so does a symbolic link.
 * Only root may read the new one: users write passwords into it.
 *
 * @returns a sentence if the template could not be put there; undefined if it could, or if a file was there
 */
export function putWorkloadTemplate(path: string = WORKLOAD_PATH): string | undefined {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    using directory = SafeDirectory.open(dirname(path));
    const name = directory.pathOf(basename(path));
    const descriptor = openSync(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeSync(descriptor, WORKLOAD_TEMPLATE);
    } finally {
      closeSync(descriptor);
    }
    return undefined;
  } catch (error) {
    const code = systemCallFailure(error)?.errno ?? reasonOf(error);
    return code === 'EEXIST'
      ? undefined
      : `cannot put a template to ${path} (${code}); it is only needed to configure a database`;
  }
}
