/**
 * What a guest agent makes of a status file, by agent-contract.md, Status file; written from the
 * contract alone, with nothing of the renderer's.
 */
export type AgentView =
  | { readonly kind: 'reported'; readonly isCut: boolean; readonly status: string }
  | { readonly kind: 'rejected'; readonly why: string }
  /** The agent reports nothing for the whole VM. */
  | { readonly kind: 'vm-silenced'; readonly why: string };

const MAX_FILE_CHARACTERS = 131_072;
const STATUSES = ['transitioning', 'warning', 'error', 'success'];

export function seenByAgent(text: string): AgentView {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { kind: 'rejected', why: 'no JSON' };
  }
  const status = Array.isArray(parsed) ? objectAt(parsed[0], 'status') : undefined;
  if (status === undefined) {
    return { kind: 'rejected', why: 'element 0 has no status' };
  }
  const substatuses = Array.isArray(status.substatus) ? status.substatus.map(asObject) : [];
  const odd = substatuses.find((each) => !STATUSES.includes(String(each?.status)));
  if (odd !== undefined) {
    return { kind: 'rejected', why: 'a substatus status is not known' };
  }
  const isCut = text.length > MAX_FILE_CHARACTERS;
  const texts = [
    objectAt(status, 'formattedMessage')?.message,
    ...substatuses.flatMap((each) => [each?.name, objectAt(each, 'formattedMessage')?.message]),
  ];
  if (isCut && texts.some((each) => typeof each !== 'string')) {
    return { kind: 'vm-silenced', why: 'a text is null in a file that must be cut' };
  }
  const shown = STATUSES.includes(String(status.status)) ? String(status.status) : 'error';
  return { kind: 'reported', isCut, status: shown };
}

type JsonObject = Readonly<Record<string, unknown>>;

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
}

function objectAt(value: unknown, key: string): JsonObject | undefined {
  return asObject(asObject(value)?.[key]);
}
