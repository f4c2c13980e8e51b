import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseFault } from './fault.ts';
import { processesIn } from './server-processes.ts';
import type { DatabaseSession } from './session.ts';

/** The identity of a server, which MySQL keeps in `auto.cnf` in its data directory. MariaDB has none. */
export const SERVER_UUID = 'server_uuid';

/**
 * A server on another machine or in a container names places of its own: what lies there on this machine may be another
 * server's, or of no server.
 *
 * @param variables the server's
 * @throws DatabaseFault 500
 */
export async function requireOwnFiles(
  session: DatabaseSession,
  name: string,
  variables: ReadonlyMap<string, string>,
): Promise<void> {
  const dataDirectory = variables.get('datadir') ?? '/';
  const uuid = variables.get(SERVER_UUID);
  const isOwn = await (uuid === undefined
    ? runsIn(dataDirectory, await threadOf(session))
    : keepsIdentityIn(dataDirectory, uuid)
  ).catch((error: unknown) => {
    throw new DatabaseFault(500, `the files of ${name} cannot be looked at: ${String(error)}`);
  });
  if (!isOwn) {
    throw new DatabaseFault(
      500,
      `the server keeps its files in ${dataDirectory}, but not in the directory of that name on this machine: it runs elsewhere, or in a container with files of its own. Name a server of this machine in credString`,
    );
  }
}

async function keepsIdentityIn(dataDirectory: string, uuid: string): Promise<boolean> {
  const text = await readFile(join(dataDirectory, 'auto.cnf'), 'utf8');
  return /^\s*server[-_]uuid\s*=\s*(\S+)/m.exec(text)?.[1]?.toLowerCase() === uuid.toLowerCase();
}

/** The thread of the server that serves this session, as the server numbers it; undefined if it does not say (MariaDB before 10.1). */
async function threadOf(session: DatabaseSession): Promise<string | undefined> {
  const [thread] =
    (await session.tryAsk(
      'SELECT TID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID();',
    )) ?? [];
  return thread !== undefined && /^[1-9]\d*$/.test(thread) ? thread : undefined;
}

/**
 * Whether a process of this machine, or of a container on it, works in the directory and has the thread: MariaDB makes its
 * data directory its working directory. A container's server sees other numbers of its threads than this machine does.
 */
async function runsIn(dataDirectory: string, thread: string | undefined): Promise<boolean> {
  const pids = await processesIn(dataDirectory);
  const found = await Promise.all(
    pids.map(async (pid) => thread === undefined || (await hasThread(pid, thread))),
  );
  return found.includes(true);
}

async function hasThread(pid: string, wanted: string): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const own = await Promise.all(
    threads.map(async (thread) => {
      const status = await readFile(`/proc/${pid}/task/${thread}/status`, 'latin1').catch(() => '');
      // The last number is that of the innermost namespace (proc_pid_status(5)).
      return /^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? thread;
    }),
  );
  return own.includes(wanted);
}
