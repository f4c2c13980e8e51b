/** A field that the two documents do not agree in. */
export interface Difference {
  /** Names and indexes, joined by dots. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** A difference that is meant. */
export interface Allowed {
  /** `*` stands for any text. */
  readonly path: string;
  /** Names of pairs, or `*`. */
  readonly cases: readonly string[];
  readonly reason: string;
}

/** In an expected document: any value that is not missing. */
const ANY = '<any>';

/** Every leaf in which a status document differs from the expected one; a list of telemetry has no order. */
export function differences(expected: unknown, actual: unknown): Difference[] {
  return compare(readable(expected), readable(actual), []);
}

function compare(expected: unknown, actual: unknown, path: readonly string[]): Difference[] {
  if (isObject(expected) && isObject(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return keys.flatMap((key) => compare(expected[key], actual[key], [...path, key]));
  }
  const isMet =
    expected === ANY ? actual !== undefined : JSON.stringify(expected) === JSON.stringify(actual);
  return isMet ? [] : [{ path: path.join('.'), expected, actual }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The one object of a status document, with telemetry by key and the message in its parts. */
function readable(document: unknown): unknown {
  const [{ status, ...top }] = document as [{ status: Readonly<Record<string, unknown>> }];
  const { telemetryData, formattedMessage } = status;
  const { message } = formattedMessage as { message: string };
  const parsed = JSON.parse(message) as { messageStr: string };
  const pairs = telemetryData as readonly { Key: string; Value: string }[];
  return {
    ...top,
    status: {
      ...status,
      telemetryData: Object.fromEntries(pairs.map(({ Key, Value }) => [Key, Value])),
      formattedMessage: {
        ...(formattedMessage as object),
        message: { ...parsed, messageStr: partsOf(parsed.messageStr) },
      },
    },
  };
}

const ENDING =
  /(?:(?:snapshotCreator|hostStatusCodePreSnapshot|hostStatusCodeDoSnapshot|statusBlobUploadError)=[^ ,]*, )*$/;

/** What programs read of a message, each by itself, and the rest. */
function partsOf(message: string): object {
  const ending = ENDING.exec(message)?.[0] ?? '';
  const [, text = '', statusCode] =
    /^(.*?)(?: StatusCode\.(\w+),)? ?$/s.exec(message.slice(0, message.length - ending.length)) ??
    [];
  return { text, statusCode, ending };
}

export function isAllowed({ path, cases }: Allowed, name: string, difference: Difference): boolean {
  const pattern = path.split('*').map((part) => part.replaceAll('.', String.raw`\.`));
  const isHere = cases.includes('*') || cases.includes(name);
  return isHere && new RegExp(`^${pattern.join('.*')}$`).test(difference.path);
}
