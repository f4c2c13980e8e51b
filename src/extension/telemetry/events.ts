import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Redaction } from '../../log/redaction.ts';
import { writeWhole } from '../../system/replace-file.ts';
import { asciiJson } from '../status/ascii-json.ts';
import { cutTo, longestFitting } from '../status/fitting.ts';

export type EventLevel =
  | 'Critical'
  | 'Error'
  | 'Warning'
  | 'Verbose'
  | 'Informational'
  | 'LogAlways';

export interface TelemetryEvent {
  readonly at: Date;
  readonly level: EventLevel;
  readonly message: string;
}

/** The source and the destination of events. */
export interface EventChannel {
  /** Undefined if the agent is too old for events: then none are written. */
  readonly eventsFolder: string | undefined;
  readonly extensionVersion: string;
  readonly taskName: string;
  /** The id of the task, which all its events share. */
  readonly operationId: string;
  readonly redaction: Redaction;
}

export type EventsResult =
  | { readonly ok: true; readonly written: number; readonly leftOut: number }
  | { readonly ok: false; readonly message: string };

/** The agent cuts longer ones (agent-contract.md, Events). The limits here are below its own. */
const MAX_MESSAGE_CHARACTERS = 3_000;
const MAX_EVENT_CHARACTERS = 6_000;
const MAX_EVENTS = 300;
const MAX_NAME_CHARACTERS = 256;
const MAX_FOLDER_FILES = 100;
const MAX_FOLDER_BYTES = 4 * 1024 * 1024;

/**
 * Puts events where the agent collects them, as one file; of more than 300 the newest.
 * Never rejects, so that telemetry cannot fail a backup. Writes nothing while uncollected events fill
 * their share of the disk. Blocks while the folder's file system is frozen.
 */
export async function writeEvents(
  events: readonly TelemetryEvent[],
  channel: EventChannel,
): Promise<EventsResult> {
  const { eventsFolder } = channel;
  // The agent treats an event without a message as invalid.
  const newest = events.filter(({ message }) => message.trim() !== '').slice(-MAX_EVENTS);
  if (eventsFolder === undefined || newest.length === 0) {
    return { ok: true, written: 0, leftOut: events.length };
  }
  try {
    const text = renderEvents(newest, channel);
    if (!(await hasRoom(eventsFolder, text.length))) {
      return {
        ok: false,
        message: 'the events folder is full of events that the agent has not collected yet',
      };
    }
    await moveIn(eventsFolder, text);
    return { ok: true, written: newest.length, leftOut: events.length - newest.length };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { ok: false, message: `the events could not be written: ${code ?? 'unknown error'}` };
  }
}

/** The file's text: an array of events with all eight fields as strings, in ASCII. Pure. */
export function renderEvents(
  events: readonly TelemetryEvent[],
  channel: Omit<EventChannel, 'eventsFolder'>,
): string {
  return `[${events.map((event) => renderEvent(event, channel)).join(',')}]`;
}

function renderEvent(
  { at, level, message }: TelemetryEvent,
  { extensionVersion, taskName, operationId, redaction }: Omit<EventChannel, 'eventsFolder'>,
): string {
  const render = (text: string): string =>
    asciiJson({
      Version: extensionVersion,
      Timestamp: at.toISOString(),
      TaskName: cutTo(taskName, MAX_NAME_CHARACTERS),
      EventLevel: level,
      Message: text,
      EventPid: String(process.pid),
      EventTid: String(process.pid),
      OperationId: cutTo(operationId, MAX_NAME_CHARACTERS),
    });
  const bounded = cutTo(redaction.redact(message), MAX_MESSAGE_CHARACTERS);
  const fitting = longestFitting(bounded, (text) => render(text).length <= MAX_EVENT_CHARACTERS);
  return render(fitting ?? '');
}

async function hasRoom(eventsFolder: string, bytes: number): Promise<boolean> {
  const names = await readdir(eventsFolder);
  if (names.length >= MAX_FOLDER_FILES) {
    return false;
  }
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(eventsFolder, name)).then(
        ({ size }) => size,
        // The agent has collected it meanwhile.
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, bytes) <= MAX_FOLDER_BYTES;
}

/**
 * The agent deletes every other file in the folder, even one that is being written. So the file is
 * written beside the folder, on its file system unless the events folder is a mount point.
 */
async function moveIn(eventsFolder: string, text: string): Promise<void> {
  const path = join(eventsFolder, `${unixTimeNs()}.json`);
  await writeWhole(path, text, { mode: 0o600, folder: dirname(eventsFolder) });
}

/** The wall clock has milliseconds; the rest keeps two files of one millisecond apart. */
function unixTimeNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n);
}
