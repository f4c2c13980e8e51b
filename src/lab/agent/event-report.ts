import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from './handler-package.ts';

/** What the agent collects from an events folder in one round; afterwards the folder is empty. */
export interface EventReport {
  /** As they are sent, newest file first. */
  readonly events: readonly AgentEvent[];
  /** What was lost or does not belong there, with the reason. */
  readonly dropped: readonly string[];
}

export interface AgentEvent {
  readonly taskName: string;
  readonly level: string;
  readonly message: string;
  readonly operationId: string;
}

const TEXT_FIELDS = [
  ...['Version', 'Timestamp', 'TaskName', 'EventLevel', 'Message', 'OperationId'],
] as const;
const NUMBER_FIELDS = ['EventPid', 'EventTid'] as const;
const LEVELS: readonly unknown[] = [
  ...['Critical', 'Error', 'Warning', 'Verbose', 'Informational', 'LogAlways'],
];
const FILE_LIMIT_BYTES = 4 * 2 ** 20;
/** In characters. */
const EVENT_LIMIT = 6_144;
const MESSAGE_LIMIT = 3_072;
const EVENTS_LIMIT = 360;
const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

export async function collectEvents(folder: string): Promise<EventReport> {
  const entries = await readdir(folder, { withFileTypes: true });
  const events: AgentEvent[] = [];
  const dropped: string[] = [];
  const names = entries.map(({ name }) => name).filter((name) => /^\d+\.json$/.test(name));
  for (const entry of entries.filter(({ name }) => !names.includes(name))) {
    dropped.push(`${entry.name}: ${entry.isDirectory() ? 'a subfolder' : 'not <digits>.json'}`);
  }
  for (const name of names.sort(byNumberDescending)) {
    const content = await readFile(join(folder, name));
    const found = readEventFile(name, content);
    dropped.push(...found.dropped);
    for (const event of found.events) {
      if (events.length < EVENTS_LIMIT) {
        events.push(event);
      } else {
        dropped.push(`${name}: over ${EVENTS_LIMIT} events`);
      }
    }
  }
  await Promise.all(
    entries.map(({ name }) => rm(join(folder, name), { recursive: true, force: true })),
  );
  return { events, dropped };
}

function byNumberDescending(a: string, b: string): number {
  const number = (name: string): bigint => BigInt(name.slice(0, -'.json'.length));
  return number(a) < number(b) ? 1 : -1;
}

/** One file's events. */
export function readEventFile(name: string, content: Buffer): EventReport {
  if (content.length > FILE_LIMIT_BYTES) {
    return { events: [], dropped: [`${name}: over ${FILE_LIMIT_BYTES} bytes`] };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content.toString('utf8'));
  } catch {
    return { events: [], dropped: [`${name}: no JSON`] };
  }
  const events: AgentEvent[] = [];
  const dropped: string[] = [];
  for (const value of Array.isArray(parsed) ? (parsed as unknown[]) : [parsed]) {
    const refusal = refusalOf(value);
    if (refusal === undefined) {
      events.push(asSent(value as Readonly<Record<string, unknown>>));
    } else {
      dropped.push(`${name}: ${refusal}`);
    }
  }
  return { events, dropped };
}

function refusalOf(event: unknown): string | undefined {
  if (!isRecord(event)) {
    return 'an event is no object';
  }
  const noText = TEXT_FIELDS.find((field) => typeof event[field] !== 'string');
  const noNumber = NUMBER_FIELDS.find(
    (field) => typeof event[field] !== 'string' && !Number.isInteger(event[field]),
  );
  const bad = noText ?? noNumber;
  if (bad !== undefined) {
    return `an event's ${bad} is missing or of the wrong type`;
  }
  if (!LEVELS.includes(event.EventLevel)) {
    return `an event has the level ${String(event.EventLevel)}`;
  }
  if (!ISO_UTC.test(String(event.Timestamp))) {
    return `an event has the time ${String(event.Timestamp)}`;
  }
  const size = JSON.stringify(event).length;
  return size > EVENT_LIMIT ? `an event of ${size} characters` : undefined;
}

function asSent(event: Readonly<Record<string, unknown>>): AgentEvent {
  return {
    taskName: String(event.TaskName),
    level: String(event.EventLevel),
    message: String(event.Message).slice(0, MESSAGE_LIMIT),
    operationId: String(event.OperationId),
  };
}
