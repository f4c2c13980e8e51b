import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, NO_HOME } from './account.ts';
import { PRIVATE_FILE } from './client-session.ts';
import { withoutPassword } from './credentials.ts';

/** What a client is started with. */
export interface MysqlLogon {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Content of `PRIVATE_FILE`; secret. */
  readonly privateFile?: string;
}

const DEFAULTS = /^--defaults-(extra-)?file=(.*)$/s;

/**
 * The client's arguments with the password out of sight. MYSQL_PWD would be weaker than any password in an
 * option file, which is weaker than one among the arguments: ours is the last word of an option file that only the
 * client can read, behind those that it would have read last.
 */
export function mysqlLogon(
  credentials: readonly string[],
  { home }: Pick<Account, 'home'>,
): MysqlLogon {
  const { args, password } = withoutPassword('mysql', credentials);
  if (password === undefined) {
    return { args, environment: {} };
  }
  if (args.some((arg) => /^--(?:no-defaults$|login-path=)/.test(arg))) {
    return { args, environment: { MYSQL_PWD: password } };
  }
  const [, extra, named] = args.map((arg) => DEFAULTS.exec(arg)).find((it) => it !== null) ?? [];
  const isAlone = named !== undefined && extra === undefined;
  const own = join(home, '.my.cnf');
  const files = [
    ...(named === undefined ? [] : [named]),
    ...(!isAlone && existsSync(own) ? [own] : []),
  ];
  return {
    args: [
      `--defaults-${isAlone ? '' : 'extra-'}file=${PRIVATE_FILE}`,
      ...args.filter((arg) => !DEFAULTS.test(arg)),
    ],
    // Read after any other: it is named in ours.
    environment: { HOME: NO_HOME },
    privateFile: [
      ...files.map((file) => `!include ${file}`),
      '[client]',
      `password="${password.replace(/["'\\]/g, '\\$&')}"`,
      '',
    ].join('\n'),
  };
}
