import { ClientSession } from '../../quiesce/databases/client-session.ts';
import type { DiskSpec } from '../disks.ts';
import type { OptionalCommand } from '../requirements.ts';
import { type LabDatabase, lookUpAccount, runAs } from './database-server.ts';
import { LabMariaDb, mariaDbPlaces } from './mariadb.ts';
import { LabPostgres, postgresPlaces, programPath } from './postgres.ts';

/** One kind of database as the lab drives it: on two disks, data and log apart. */
export interface Engine {
  readonly name: 'postgres' | 'mariadb';
  readonly commands: readonly OptionalCommand[];
  readonly disks: readonly [DiskSpec, DiskSpec];
  create(mountPoints: MountPoints): Promise<LabDatabase>;
  /** A server on the snapshots of both disks, as they were mounted. */
  open(mountPoints: MountPoints): Promise<LabDatabase>;
  /** One transaction as one line. */
  transfer(transfer: Transfer): string;
  readonly tables: readonly string[];
  /** What its own tools find wrong with the tables while it runs, and with the files when it has stopped. */
  checkTables(database: LabDatabase): Promise<string[]>;
  checkFiles(mountPoints: MountPoints): Promise<string[]>;
}

/** Of the data disk and of the log disk. */
export type MountPoints = readonly [data: string, log: string];

export interface Transfer {
  readonly writer: number;
  /** 1, 2, 3… of each writer. */
  readonly sequence: number;
  readonly source: number;
  readonly target: number;
  readonly amount: number;
}

const MOVE = ({ source, target, amount }: Transfer): string =>
  `UPDATE accounts SET balance = balance + CASE id WHEN ${source} THEN ${-amount} ELSE ${amount} END WHERE id IN (${source}, ${target})`;
const ROW = (it: Transfer): string =>
  `${it.writer}, ${it.sequence}, ${it.source}, ${it.target}, ${it.amount}`;

export const POSTGRES: Engine = {
  name: 'postgres',
  commands: ['psql', 'pg_lsclusters'],
  disks: [
    { type: 'ext4', sizeMb: 512 },
    { type: 'xfs', sizeMb: 512 },
  ],
  create: ([data, log]) => LabPostgres.create(postgresPlaces(data, log)),
  open: ([data, log]) => LabPostgres.open(postgresPlaces(data, log)),
  // One statement: after one that failed, COMMIT would say nothing of it.
  transfer: (it) =>
    `WITH moved AS (${MOVE(it)} RETURNING id) INSERT INTO journal VALUES (${ROW(it)});`,
  tables: [
    'CREATE EXTENSION amcheck;',
    'CREATE TABLE accounts (id integer PRIMARY KEY, balance integer NOT NULL);',
    'CREATE TABLE journal (writer integer, sequence integer, source integer, target integer, amount integer, PRIMARY KEY (writer, sequence));',
  ],
  checkTables: async ({ client }) =>
    saidBy(
      runAs(client.account, await programPath('pg_amcheck'), [
        ...[
          '--heapallindexed',
          '--parent-check',
          '-h',
          client.args[client.args.indexOf('-h') + 1] ?? '',
        ],
        'postgres',
      ]),
    ),
  checkFiles: async ([data, log]) =>
    saidBy(
      runAs(await lookUpAccount('postgres'), await programPath('pg_checksums'), [
        ...['--check', '--pgdata', postgresPlaces(data, log).dataDirectory],
      ]).then(() => ''),
    ),
};

export const MARIADB: Engine = {
  name: 'mariadb',
  commands: ['mariadbd', 'mariadb', 'mariadb-install-db'],
  disks: [
    { type: 'ext4', sizeMb: 512 },
    { type: 'xfs', sizeMb: 512 },
  ],
  create: ([data, log]) => LabMariaDb.create(mariaDbPlaces(data, log)),
  open: ([data, log]) => LabMariaDb.open(mariaDbPlaces(data, log)),
  transfer: (it) => `BEGIN; ${MOVE(it)}; INSERT INTO journal VALUES (${ROW(it)}); COMMIT;`,
  tables: [
    'CREATE DATABASE bank;',
    'USE bank;',
    'CREATE TABLE accounts (id integer PRIMARY KEY, balance integer NOT NULL) ENGINE=InnoDB;',
    'CREATE TABLE journal (writer integer, sequence integer, source integer, target integer, amount integer, PRIMARY KEY (writer, sequence)) ENGINE=InnoDB;',
  ],
  checkTables: async (database) => {
    const lines = await askAll(database, ['CHECK TABLE bank.accounts, bank.journal EXTENDED;']);
    return lines.filter((line) => !/\tcheck\tstatus\tOK$/.test(line));
  },
  checkFiles: async () => [],
};

export const ENGINES: readonly Engine[] = [POSTGRES, MARIADB];

const LIMIT_MS = 30_000;

/** What a server answers to these statements, one after the other. Rejects if it refuses one. */
export async function askAll(
  { client, dialect }: LabDatabase,
  statements: readonly string[],
): Promise<string[]> {
  const session = new ClientSession(client, dialect);
  const lines: string[] = [];
  try {
    for (const statement of statements) {
      const answer = await session.ask(statement, LIMIT_MS);
      if (answer.kind !== 'answered') {
        throw new Error(`${statement}: ${JSON.stringify(answer)}`);
      }
      lines.push(...answer.lines);
    }
  } finally {
    await session.end();
  }
  return lines;
}

/** The lines a check prints, which is silent if all is well; what it fails with. */
async function saidBy(check: Promise<string>): Promise<string[]> {
  try {
    return (await check).split('\n').filter((line) => line !== '');
  } catch (error) {
    return [String(error)];
  }
}
