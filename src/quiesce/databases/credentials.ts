import type { DatabaseKind } from '../../config/workload.ts';

/** Client arguments without the password in them, which goes by the environment. */
export interface Credentials {
  readonly args: readonly string[];
  readonly password: string | undefined;
}

/**
 * Takes the password out of a client's arguments: everybody may read the arguments of a process, its
 * environment only root and its own user.
 */
export function withoutPassword(kind: DatabaseKind, args: readonly string[]): Credentials {
  switch (kind) {
    case 'mysql':
      return withoutOption(args);
    case 'postgres':
      return withoutConnectionPassword(args);
    case 'oracle':
      // Goes to sqlplus by its standard input as a whole.
      return { args: [], password: args.flatMap((arg) => LOGON.exec(arg)?.[1] ?? [])[0] };
  }
}

/** `user/password[@service]` */
const LOGON = /^[\w$#]+\/("[^"]*"|[^@\s]+)/;

/** `-p…` and `--password=…` */
function withoutOption(args: readonly string[]): Credentials {
  const option = /^(?:-p|--password=)(.+)$/s;
  return {
    args: args.filter((arg) => !option.test(arg)),
    password: args.flatMap((arg) => option.exec(arg)?.[1] ?? [])[0],
  };
}

/** `postgresql://user:password@…`, and `password=…` in a connection string. */
function withoutConnectionPassword(args: readonly string[]): Credentials {
  const found: string[] = [];
  const cleaned = args.map((arg) =>
    arg
      .replace(/^(postgres(?:ql)?:\/\/[^:@/]*):([^@/]*)@/, (_, before: string, value: string) => {
        found.push(decodeURIComponent(value));
        return `${before}@`;
      })
      .replace(MEMBER, (_, before: string, value: string) => {
        found.push(value.replace(/^'(.*)'$/s, '$1').replace(/\\(.)/g, '$1'));
        return before;
      }),
  );
  return { args: cleaned, password: found[0] };
}

const MEMBER = /(^|[\s&?])password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)/g;

/** Every password in a client's arguments. */
export function passwordsIn(kind: DatabaseKind, args: readonly string[]): string[] {
  const { password } = withoutPassword(kind, args);
  return password === undefined ? [] : [password];
}
