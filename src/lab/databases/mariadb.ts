import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClientCommand } from '../../quiesce/databases/client-session.ts';
import { MYSQL_ARGUMENTS, MYSQL_CLIENT } from '../../quiesce/databases/mysql.ts';
import { runCommand, tryCommand } from '../run-command.ts';
import {
  type LabDatabase,
  lookUpAccount,
  makeOwnDirectory,
  ServerProcess,
} from './database-server.ts';

/** Who the lab's servers run as; the package that makes an account of their own starts a server too. */
const ACCOUNT = 'nobody';
export const BACKUP_PASSWORD = 'hush-hush-7';

/** Where the two halves of a server's files lie. */
export interface MariaDbPlaces {
  readonly dataDirectory: string;
  readonly binaryLogs: string;
}

export function mariaDbPlaces(dataDisk: string, logDisk: string): MariaDbPlaces {
  return {
    dataDirectory: join(dataDisk, 'mysql', 'data'),
    binaryLogs: join(logDisk, 'binlog', 'files'),
  };
}

let servers = 0;

/** A MariaDB server with InnoDB and a binary log on another disk, everything durable. Only inside the lab. */
export class LabMariaDb implements LabDatabase {
  readonly dialect = MYSQL_CLIENT;
  readonly client: ClientCommand;
  readonly process: ServerProcess;
  readonly workload: string;

  private constructor(server: ServerProcess, client: ClientCommand, socket: string) {
    this.process = server;
    this.client = client;
    this.workload = `[workload]\nworkload_name = mariadb\ncredString = -S ${socket} -u backup -p${BACKUP_PASSWORD}\nlinux_user = ${ACCOUNT}\ntimeout = 20\n`;
  }

  /** Makes a new server, and starts it. */
  static async create(places: MariaDbPlaces, options: readonly string[] = []): Promise<LabMariaDb> {
    const account = await lookUpAccount(ACCOUNT);
    await mkdir(places.dataDirectory, { recursive: true });
    await makeOwnDirectory(places.dataDirectory, account);
    await makeOwnDirectory(places.binaryLogs, account);
    await runCommand('mariadb-install-db', [
      ...['--no-defaults', `--datadir=${places.dataDirectory}`, `--user=${ACCOUNT}`],
      ...['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'],
      ...['--innodb-log-file-size=16M', '--innodb-undo-tablespaces=0'],
    ]);
    const server = await LabMariaDb.start(places, options);
    await runCommand(
      'mariadb',
      [...server.client.args],
      [
        `CREATE USER backup@localhost IDENTIFIED BY '${BACKUP_PASSWORD}';`,
        'GRANT RELOAD, REPLICATION SLAVE ADMIN, SLAVE MONITOR, CONNECTION ADMIN ON *.* TO backup@localhost;',
      ].join('\n'),
    );
    return server;
  }

  /** A server on the snapshot of another's files. */
  static async open(places: MariaDbPlaces): Promise<LabMariaDb> {
    return await LabMariaDb.start(places, []);
  }

  static async start(
    { dataDirectory, binaryLogs }: MariaDbPlaces,
    options: readonly string[],
  ): Promise<LabMariaDb> {
    const account = await lookUpAccount(ACCOUNT);
    servers += 1;
    const run = await makeOwnDirectory(`/lab/mariadb${process.pid}-${servers}`, account);
    const socket = join(run, 'socket');
    const server = new ServerProcess(
      'mariadbd',
      [
        ...[
          '--no-defaults',
          `--datadir=${dataDirectory}`,
          `--socket=${socket}`,
          '--skip-networking',
        ],
        ...[`--pid-file=${join(run, 'pid')}`, `--log-bin=${join(binaryLogs, 'binlog')}`],
        ...['--server-id=1', '--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1'],
        ...['--innodb-log-file-size=16M', '--innodb-buffer-pool-size=32M', '--skip-name-resolve'],
        ...['--innodb-undo-tablespaces=0', '--max-connections=40', '--performance-schema=OFF'],
        ...options,
      ],
      account,
    );
    const client: ClientCommand = {
      program: 'mariadb',
      args: ['--no-defaults', '-S', socket, '-u', 'root', ...MYSQL_ARGUMENTS],
      environment: {},
      account,
    };
    await server.ready(async () => {
      const { code } = await tryCommand('mariadb', [...client.args, '-e', 'SELECT 1']);
      return code === 0;
    });
    return new LabMariaDb(server, client, socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop('SIGTERM');
  }
}
