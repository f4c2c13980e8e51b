/** An argument of psql, with what is secret in its connection string. */
export interface PostgresArgument {
  /** The argument without the passwords; two if its option is left without a value. */
  readonly args: readonly string[];
  readonly passwords: readonly string[];
  /**
   * Why it cannot be used, as the rest of a sentence that repeats nothing of it; undefined if it can. psql itself
   * repeats the part of a connection string that it does not understand, and that may be a part of a password.
   */
  readonly fault: string | undefined;
}

/** A connection string, taken apart. */
interface Parts {
  /** Without passwords. */
  readonly rest: string;
  readonly passwords: readonly string[];
  readonly fault: string | undefined;
}

/** What stands before a connection string in its argument: nothing, `--dbname=`, or short options up to `-d`. */
const OPTION = /^(?:--[\w-]+=|-[^-cdfFhLopPRTUv]*d)?/;

/** What else libpq keeps from being seen. No environment variable sets it. */
const OTHER_SECRETS = [
  'sslpassword',
  'oauth_client_secret',
  'scram_client_key',
  'scram_server_key',
];

/**
 * Takes the passwords out of an argument of psql, which is read as libpq reads it (fe-connect.c), except that names may
 * be written in any case. Pure.
 */
export function withoutPostgresPasswords(arg: string): PostgresArgument {
  const [option = ''] = OPTION.exec(arg) ?? [];
  const text = arg.slice(option.length);
  const { rest, ...found } = ADDRESS.test(text) ? partsOfAddress(text) : partsOfPairs(text);
  // Without a value, `-d` would take the next argument for it.
  const isBare = /^-[^-]/.test(option) && rest === '' && text !== '';
  return { args: isBare ? [option, ''] : [option + rest], ...found };
}

/** Scheme, login, server with database, parameters. */
const ADDRESS = /^(\s*postgres(?:ql)?:\/\/)(?:([^@/]*)@)?([^?]*)(?:\?(.*))?$/s;

/** `postgresql://user:password@server/database?password=…&…` */
function partsOfAddress(text: string): Parts {
  const [, scheme = '', login, server = '', query] = ADDRESS.exec(text) ?? [];
  const [user = '', ...password] = login?.split(':') ?? [];
  const parameters = query?.split('&').map(parameterOf) ?? [];
  const secrets = parameters.filter(({ name }) => name === 'password');
  const kept = parameters.filter(({ name }) => name !== 'password').map((it) => it.text);
  return {
    rest: [
      ...[scheme, login === undefined ? '' : `${user}@`, server],
      ...(query === undefined ? [] : ['?', kept.join('&')]),
    ].join(''),
    passwords: [decoded(password.join(':')), ...secrets.map(({ value }) => value)].filter(Boolean),
    fault:
      faultOfLogin(login ?? '', server) ??
      faultOfParameters(parameters) ??
      faultOfNames(parameters.map(({ name }) => name)),
  };
}

interface Parameter {
  /** As it stands in the address. */
  readonly text: string;
  readonly name: string;
  readonly value: string;
}

function parameterOf(text: string): Parameter {
  const [name = '', ...value] = text.split('=');
  return { text, name: decoded(name).toLowerCase(), value: decoded(value.join('=')) };
}

/** The text itself if a percent sign in it encodes nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** For libpq, the login ends at the first at sign if no slash comes before it; the rest is the server. */
function faultOfLogin(login: string, server: string): string | undefined {
  const isCut = server.includes('@') && `${login}${server}`.includes(':');
  // The first at sign is in a parameter.
  const isParameter = /[?&][^=&]*password=/i.test(login);
  return isCut || isParameter
    ? 'has an address with more than one @, or with a / or ? before it; expected %40, %2F and %3F in place of these in names and passwords'
    : undefined;
}

function faultOfParameters(parameters: readonly Parameter[]): string | undefined {
  // An ampersand may end the address.
  const isRead = parameters.every(
    ({ text }, index) => text.includes('=') || (text === '' && index === parameters.length - 1),
  );
  return isRead
    ? undefined
    : 'has an address with a parameter without =; expected name=value, and %26 in place of & in passwords';
}

function faultOfNames(names: readonly string[]): string | undefined {
  const name = OTHER_SECRETS.find((it) => names.includes(it));
  return name === undefined
    ? undefined
    : `has ${name}, which the process list would show; put it into a connection service file of PostgreSQL that only linux_user may read, and give service=<name> in its place`;
}

/**
 * Blanks, a name, its value in single quotes or without. A backslash makes the next character a part of the value.
 * Blanks are those of C: any other one is a letter of a password.
 */
const PAIR =
  /([ \t-\r]*)([^= \t-\r]+)[ \t-\r]*=[ \t-\r]*(?:'((?:[^'\\]|\\.)*)'|(?!')((?:[^\\ \t-\r]|\\.)*\\?))/gsy;

const NAMES_SECRET = new RegExp(['password', ...OTHER_SECRETS].join('|'), 'i');
/** `://user:password@` */
const LOGIN = /:\/\/[^@/]*:[^@/]*@/;

/** `host=db password='it\'s' user=a` */
function partsOfPairs(text: string): Parts {
  const pairs = [...text.matchAll(PAIR)].map(
    ([pair, blanks = '', name = '', quoted, plain = '']) => ({
      ...{ pair, blanks, name: name.toLowerCase() },
      value: (quoted ?? plain).replace(/\\(.?)/gs, '$1'),
    }),
  );
  const tail = text.slice(pairs.map(({ pair }) => pair).join('').length);
  const kept = pairs.map(({ name, pair, blanks }) => (name === 'password' ? blanks : pair));
  const rest = `${kept.join('')}${tail}`;
  return {
    rest,
    passwords: pairs.flatMap(({ name, value }) => (name === 'password' && value) || []),
    fault: faultOfPairs(text, { rest, tail }) ?? faultOfNames(pairs.map(({ name }) => name)),
  };
}

function faultOfPairs(
  text: string,
  { rest, tail }: { readonly rest: string; readonly tail: string },
): string | undefined {
  if (LOGIN.test(rest)) {
    return 'has an address that psql does not take for one; expected postgresql:// at its beginning, and nothing else beside it';
  }
  const isRead = /^[ \t-\r]*$/.test(tail) || !text.includes('=') || !NAMES_SECRET.test(text);
  return isRead
    ? undefined
    : "has a connection string with a word without =, or with a quotation that is not closed; expected values with blanks in single quotes, and \\' and \\\\ in place of ' and \\ in values";
}
