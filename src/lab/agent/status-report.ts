import { isRecord } from './handler-package.ts';

/** What the agent makes of `<n>.status`, and reports for the extension. */
export type StatusReport =
  | ReportedStatus
  /** There is no file: reported as transitioning, for ever. */
  | { readonly kind: 'waiting' }
  /** Tried five times, two seconds apart; then an error of the agent's own is reported. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** One bad extension takes the report of the whole machine with it. */
  | { readonly kind: 'silence'; readonly reason: string };

export interface ReportedStatus {
  readonly kind: 'reported';
  readonly status: StatusName;
  readonly code: string;
  readonly operation: string | undefined;
  /** SAS URIs are redacted in it. */
  readonly message: string | undefined;
  readonly substatuses: readonly Substatus[];
  /** Whether the file was too big and the agent cut it. */
  readonly cut: boolean;
}

export interface Substatus {
  readonly name: string | undefined;
  readonly status: StatusName;
  readonly code: string;
  readonly message: string | undefined;
}

const STATUS_NAMES = ['transitioning', 'warning', 'error', 'success'] as const;
export type StatusName = (typeof STATUS_NAMES)[number];

/** In characters. */
const FILE_LIMIT = 131_072;
const MESSAGE_LIMIT = 1_024;
const SUBSTATUS_LIMIT = 10_240;
const SAS = /(https?:\/\/\S+?)\?\S*?\bsig=[^\s"'\\]+/g;

/** The agent's reading of a status file's text; undefined if there is no file. */
export function readStatus(text: string | undefined): StatusReport {
  if (text === undefined) {
    return { kind: 'waiting' };
  }
  try {
    const whole = parseStatus(text);
    return text.length > FILE_LIMIT ? cutDown(whole) : whole;
  } catch (error) {
    return { kind: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
  }
}

function parseStatus(text: string): ReportedStatus {
  const parsed = JSON.parse(text) as unknown;
  if (!Array.isArray(parsed) || parsed.length === 0) {
    throw new Error('the status is no array of at least one element');
  }
  const status = recordIn(parsed[0], 'status');
  const substatuses = status.substatus ?? [];
  if (!Array.isArray(substatuses)) {
    throw new Error('substatus is no array');
  }
  return {
    kind: 'reported',
    status: STATUS_NAMES.find((name) => name === status.status) ?? 'error',
    code: String(status.code ?? 0),
    operation: typeof status.operation === 'string' ? status.operation : undefined,
    message: redact(messageOf(status)),
    substatuses: substatuses.map(parseSubstatus),
    cut: false,
  };
}

function parseSubstatus(value: unknown): Substatus {
  if (!isRecord(value)) {
    throw new Error('a substatus is no object');
  }
  const status = STATUS_NAMES.find((name) => name === value.status);
  if (status === undefined) {
    throw new Error(`a substatus has the status ${JSON.stringify(value.status)}`);
  }
  return {
    name: typeof value.name === 'string' ? value.name : undefined,
    status,
    code: String(value.code ?? 0),
    message: redact(messageOf(value)),
  };
}

/** `formattedMessage` is `{lang, message}`; absent and null are passed on. */
function messageOf({ formattedMessage }: Readonly<Record<string, unknown>>): string | undefined {
  if (formattedMessage === undefined || formattedMessage === null) {
    return undefined;
  }
  if (
    !isRecord(formattedMessage) ||
    !('lang' in formattedMessage) ||
    !('message' in formattedMessage)
  ) {
    throw new Error('a formattedMessage lacks lang or message');
  }
  const { message } = formattedMessage;
  return message === null || message === undefined ? undefined : String(message);
}

function redact(message: string | undefined): string | undefined {
  return message?.replace(SAS, '$1?<redacted>');
}

function cutDown(whole: ReportedStatus): StatusReport {
  const texts = [
    whole.message,
    ...whole.substatuses.flatMap(({ name, message }) => [name, message]),
  ];
  if (texts.includes(undefined)) {
    return {
      kind: 'silence',
      reason: `a text is missing in a file of over ${FILE_LIMIT} characters`,
    };
  }
  const substatuses: Substatus[] = [];
  let left = FILE_LIMIT - MESSAGE_LIMIT;
  for (const substatus of whole.substatuses) {
    const name = substatus.name?.slice(0, SUBSTATUS_LIMIT);
    const message = substatus.message?.slice(0, SUBSTATUS_LIMIT);
    left -= (name?.length ?? 0) + (message?.length ?? 0);
    if (left >= 0) {
      substatuses.push({ ...substatus, name, message });
    }
  }
  return { ...whole, message: whole.message?.slice(0, MESSAGE_LIMIT), substatuses, cut: true };
}

function recordIn(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const inner = isRecord(value) ? value[key] : undefined;
  if (!isRecord(inner)) {
    throw new Error(`the status' first element has no object "${key}"`);
  }
  return inner;
}
