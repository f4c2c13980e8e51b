import { readdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientCommand } from '../../quiesce/databases/client-session.ts';
import { PSQL, PSQL_ARGUMENTS } from '../../quiesce/databases/postgres.ts';
import {
  type LabDatabase,
  lookUpAccount,
  makeOwnDirectory,
  runAs,
  ServerProcess,
} from './database-server.ts';

/** Small files, everything durable; checkpoints neither too rare nor all the time. */
const CONFIGURATION = `
listen_addresses = ''
max_connections = 20
shared_buffers = 16MB
max_wal_size = 64MB
min_wal_size = 32MB
checkpoint_timeout = 5min
fsync = on
synchronous_commit = on
full_page_writes = on
autovacuum = on
jit = off
`;

/** Where the two halves of a cluster lie. */
export interface PostgresPlaces {
  readonly dataDirectory: string;
  readonly walDirectory: string;
}

export function postgresPlaces(dataDisk: string, walDisk: string): PostgresPlaces {
  return {
    dataDirectory: join(dataDisk, 'pg', 'data'),
    walDirectory: join(walDisk, 'wal', 'files'),
  };
}

let servers = 0;

/** A PostgreSQL cluster with data checksums, its WAL on another disk. Only inside the lab. */
export class LabPostgres implements LabDatabase {
  readonly dialect = PSQL;
  readonly client: ClientCommand;
  readonly process: ServerProcess;
  readonly workload: string;

  private constructor(process: ServerProcess, client: ClientCommand, sockets: string) {
    this.process = process;
    this.client = client;
    this.workload = `[workload]\nworkload_name = postgres\ncredString = -h ${sockets}\nlinux_user = postgres\ntimeout = 20\n`;
  }

  /** Makes a new cluster, and starts it. */
  static async create(places: PostgresPlaces, configuration = ''): Promise<LabPostgres> {
    const account = await lookUpAccount('postgres');
    for (const path of [places.dataDirectory, places.walDirectory]) {
      await makeOwnDirectory(join(path, '..'), account);
    }
    await runAs(account, await programPath('initdb'), [
      ...['--pgdata', places.dataDirectory, '--waldir', places.walDirectory, '--wal-segsize', '4'],
      ...['--data-checksums', '--no-sync', '--auth', 'trust', '--no-instructions'],
    ]);
    const file = join(places.dataDirectory, 'postgresql.conf');
    await writeFile(file, `${await readFile(file, 'utf8')}${CONFIGURATION}${configuration}`);
    return await LabPostgres.start(places.dataDirectory);
  }

  /** A server on the snapshot of a cluster: its WAL is found where that was mounted. */
  static async open({ dataDirectory, walDirectory }: PostgresPlaces): Promise<LabPostgres> {
    // The server it names runs on: that of the original.
    await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
    await unlink(join(dataDirectory, 'pg_wal'));
    await symlink(walDirectory, join(dataDirectory, 'pg_wal'));
    return await LabPostgres.start(dataDirectory);
  }

  static async start(dataDirectory: string): Promise<LabPostgres> {
    const account = await lookUpAccount('postgres');
    servers += 1;
    const sockets = await makeOwnDirectory(`/lab/postgres${process.pid}-${servers}`, account);
    const server = new ServerProcess(
      await programPath('postgres'),
      ['-D', dataDirectory, '-k', sockets],
      account,
    );
    const client: ClientCommand = {
      program: await programPath('psql'),
      args: [...PSQL_ARGUMENTS, '-h', sockets, '-d', 'postgres'],
      environment: {},
      account,
    };
    const isReady = await programPath('pg_isready');
    await server.ready(async () =>
      runAs(account, isReady, ['-q', '-h', sockets]).then(
        () => true,
        () => false,
      ),
    );
    return new LabPostgres(server, client, sockets);
  }

  /** SIGINT: the fast shutdown. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop('SIGINT');
  }
}

/** The programs of the newest version that is installed; those in PATH are a Perl script that looks for it each time. */
export async function programPath(name: string): Promise<string> {
  const versions = await readdir('/usr/lib/postgresql');
  const newest = versions.map(Number).toSorted((a, b) => b - a)[0];
  return join('/usr/lib/postgresql', String(newest), 'bin', name);
}
