import { editDistance } from '../../config/closest-name.ts';
import type { DatabaseKind } from '../../config/workload.ts';
import { withoutPostgresPasswords } from './postgres-connection.ts';

/** Client arguments without the password in them, which goes by the environment. */
export interface Credentials {
  readonly args: readonly string[];
  readonly password: string | undefined;
}

/**
 * Takes the password out of a client's arguments: everybody may read the arguments of a process, its
 * environment only root and its own user. Of several the last one counts, as for the clients.
 */
export function withoutPassword(kind: DatabaseKind, args: readonly string[]): Credentials {
  const { args: cleaned, passwords } = separate(kind, args);
  return { args: cleaned, password: passwords.at(-1) };
}

/** Every password in a client's arguments; also MySQL's second and third factor, which have to stay in them. */
export function passwordsIn(kind: DatabaseKind, args: readonly string[]): string[] {
  const factors = args.flatMap(
    (arg) => /^--(?:loose[-_])?password[23]=(.+)$/s.exec(arg)?.[1] ?? [],
  );
  return [...separate(kind, args).passwords, ...factors];
}

/**
 * Why a client cannot be started with these arguments without showing a secret to others, in the process list or in its
 * own complaint; as the rest of a sentence that repeats no secret. Undefined if it can.
 */
export function faultOfCredentials(
  kind: DatabaseKind,
  args: readonly string[],
): string | undefined {
  const misspelt = kind === 'oracle' ? undefined : misspeltPassword(args);
  if (misspelt !== undefined) {
    return `has the name ${misspelt}, which the client does not know and would repeat with its value; did you mean password?`;
  }
  switch (kind) {
    case 'mysql':
      return args.some((arg, index) => isPasswordApart(arg, args[index + 1]))
        ? 'has a blank between the option and the password, so the client would take the password for the name of a database; expected --password=<password>'
        : undefined;
    case 'postgres':
      return args.map((arg) => withoutPostgresPasswords(arg).fault).find((it) => it !== undefined);
    case 'oracle':
      return undefined;
  }
}

/** Of an option, or of a member of a connection string. */
const NAME = /(?:^(?:--|-d)?|[\s?&])([a-z][\w-]*)\s*=/gi;

function misspeltPassword(args: readonly string[]): string | undefined {
  return args
    .flatMap((arg) => [...arg.matchAll(NAME)].map(([, name = '']) => name.toLowerCase()))
    .find(
      (name) =>
        editDistance(name, 'password') <= 2 && !LONG.test(`--${name}=.`) && !/\d$/.test(name),
    );
}

/** Without a value, the option makes the client ask for a password, which no user is there to answer. */
function isPasswordApart(arg: string, next: string | undefined): boolean {
  return /^(?:-p|--(?:loose[-_])?password1?)$/.test(arg) && next?.startsWith('-') === false;
}

interface Separated {
  readonly args: string[];
  readonly passwords: string[];
}

function separate(kind: DatabaseKind, args: readonly string[]): Separated {
  switch (kind) {
    case 'mysql':
      return separateOptions(args);
    case 'postgres':
      return separateConnections(args);
    case 'oracle':
      // Goes to sqlplus by its standard input as a whole.
      return { args: [], passwords: args.flatMap(passwordsInLogon) };
  }
}

/**
 * `--password=…`, `--password1=…`, and every beginning of the word that is no other option's (`--pager`);
 * `loose-` before it changes nothing.
 */
const LONG = /^--(?:loose[-_])?pas(?:s(?:w(?:o(?:r(?:d1?)?)?)?)?)?=(.+)$/s;
/** `-p…`, also behind short options that take no value (`-Bp…`). */
const SHORT = /^(-[^-pDehPSuO#]*)p(.+)$/s;

function separateOptions(args: readonly string[]): Separated {
  const passwords: string[] = [];
  const cleaned = args.flatMap((arg) => {
    const long = LONG.exec(arg)?.[1];
    const [, flags = '', short] = SHORT.exec(arg) ?? [];
    const password = long ?? short;
    if (password === undefined) {
      return [arg];
    }
    passwords.push(password);
    return flags === '' || flags === '-' ? [] : [flags];
  });
  return { args: cleaned, passwords };
}

function separateConnections(args: readonly string[]): Separated {
  const read = args.map(withoutPostgresPasswords);
  return {
    args: read.flatMap((it) => it.args),
    passwords: read.flatMap(({ passwords }) => passwords),
  };
}

/**
 * `user[proxy]/password[@service] [AS SYSDBA]`: from the first slash to the last at sign, or to the next
 * blank; what stands in double quotes, slashes and at signs too, belongs together.
 */
function passwordsInLogon(logon: string): string[] {
  const masked = logon.replace(/"[^"]*"/g, (quoted) => '"'.repeat(quoted.length));
  const [, before = '', password = ''] = /^([^/]*\/)(\S*?)(?:@[^@\s]*)?(?:\s|$)/.exec(masked) ?? [];
  const found = logon.slice(before.length, before.length + password.length);
  return [found, found.replace(/^"(.*)"$/s, '$1')].filter(
    (it, index, all) => it !== '' && all.indexOf(it) === index,
  );
}
