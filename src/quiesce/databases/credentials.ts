import type { DatabaseKind } from '../../config/workload.ts';

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
  const factors = args.flatMap((arg) => /^--password[23]=(.+)$/s.exec(arg)?.[1] ?? []);
  return [...separate(kind, args).passwords, ...factors];
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
      return separateConnectionMembers(args);
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

const ADDRESS = /(postgres(?:ql)?:\/\/[^:@/]*):([^@/]*)@/;
const MEMBER = /(^(?:-d)?|[\s&?=])password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)/g;

/** `postgresql://user:password@…`, and `password=…` in a connection string or an address. */
function separateConnectionMembers(args: readonly string[]): Separated {
  const passwords: string[] = [];
  const cleaned = args.map((arg) => {
    const isAddress = /postgres(?:ql)?:\/\//.test(arg);
    return arg
      .replace(ADDRESS, (_, before: string, value: string) => {
        passwords.push(decoded(value));
        return `${before}@`;
      })
      .replace(MEMBER, (_, before: string, value: string) => {
        passwords.push(isAddress ? decoded(value) : unquoted(value));
        return before;
      });
  });
  return { args: cleaned, passwords };
}

/** The text itself where a percent sign in it encodes nothing: psql will refuse it, and say so. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function unquoted(value: string): string {
  return value.replace(/^'(.*)'$/s, '$1').replace(/\\(.)/g, '$1');
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
