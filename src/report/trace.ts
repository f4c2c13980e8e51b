import type { RunFile } from './run-file.ts';
import type { Span, Timeline } from './timeline.ts';

/**
 * One event of the Chrome trace event format, which Perfetto and chrome://tracing open. Times are
 * microseconds. `X` has a duration, `i` is an instant, `M` names a process or thread.
 */
export interface TraceEvent {
  readonly ph: 'X' | 'i' | 'M';
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly cat?: string;
  /** Scope of an instant: the whole trace. */
  readonly s?: 'g';
  readonly args?: Arguments;
}

type Arguments = Readonly<Record<string, string | number>>;

export interface Trace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
  readonly otherData: Readonly<Record<string, string>>;
}

/** "Processes" of the trace. */
const PHASES = 1;
const FILE_SYSTEMS = 2;
const DISKS = 3;

export function traceOf(run: RunFile): Trace {
  const { origin, writtenAt, taskId, machine, timeline } = run;
  return {
    displayTimeUnit: 'ms',
    traceEvents: timeline === null ? [] : eventsOf(timeline, threadArguments(run)),
    otherData: {
      ...(machine.host === null ? {} : { host: machine.host }),
      ...{ origin, writtenAt, taskId, version: machine.flashfreeze, kernel: machine.kernel },
    },
  };
}

/** What the threads cost in the window, for its event. */
function threadArguments({ summary }: RunFile): Arguments {
  return Object.fromEntries(
    (summary?.threads ?? []).flatMap(({ role, runMs, waitMs, pageFaults }) => [
      [`${role} ran, ms`, runMs],
      [`${role} waited for a processor, ms`, waitMs],
      [`${role} page faults`, pageFaults],
    ]),
  );
}

function eventsOf(timeline: Timeline, ofWindow: Arguments): TraceEvent[] {
  return [
    processName(PHASES, 'run'),
    threadName(PHASES, 1, 'phases'),
    ...timeline.phases.map(({ name, span }) =>
      complete(PHASES, 1, name, span, name === 'window' ? ofWindow : {}),
    ),
    ...barrierOf(timeline),
    processName(FILE_SYSTEMS, 'file systems'),
    ...timeline.fileSystems.flatMap((it, index) => fileSystemEvents(it, index + 1)),
    processName(DISKS, 'disks'),
    ...timeline.disks.flatMap((it, index) => diskEvents(it, index + 1)),
  ];
}

function barrierOf({ barrierMs }: Timeline): TraceEvent[] {
  return barrierMs === null
    ? []
    : [{ ph: 'i', name: 'barrier', pid: PHASES, tid: 1, ts: microseconds(barrierMs), s: 'g' }];
}

function fileSystemEvents(
  { mountPoint, type, settle, freezes }: Timeline['fileSystems'][number],
  tid: number,
): TraceEvent[] {
  const on = (name: string, span: Span, error?: string): TraceEvent =>
    complete(FILE_SYSTEMS, tid, name, span, error === undefined ? {} : { error });
  return [
    threadName(FILE_SYSTEMS, tid, `${mountPoint} (${type})`),
    ...(settle === null ? [] : [on('settle', settle)]),
    ...freezes.flatMap(({ startMs, frozenMs, failedMs, thaw, error }) => {
      const untilMs = thaw?.[0] ?? frozenMs ?? startMs;
      const name = frozenMs === null ? 'failed freeze' : 'freeze';
      return [
        on(name, [startMs, frozenMs ?? failedMs ?? untilMs], error ?? undefined),
        ...(frozenMs === null ? [] : [on('frozen', [frozenMs, untilMs])]),
        ...(thaw === null ? [] : [on('thaw', thaw)]),
      ];
    }),
  ];
}

function diskEvents(
  { device, blob, request, attempts, error }: Timeline['disks'][number],
  tid: number,
): TraceEvent[] {
  const args = { blob, attempts, ...(error === null ? {} : { error }) };
  const name = error === null ? 'snapshot' : 'failed request';
  return [
    threadName(DISKS, tid, device ?? blob),
    ...(request === null ? [] : [complete(DISKS, tid, name, request, args)]),
  ];
}

function complete(
  pid: number,
  tid: number,
  name: string,
  [startMs, endMs]: Span,
  args: Arguments = {},
): TraceEvent {
  const ts = microseconds(startMs);
  // Viewers show no event without a duration.
  const dur = Math.max(1, microseconds(endMs) - ts);
  return { ph: 'X', cat: 'flashfreeze', name, pid, tid, ts, dur, args };
}

function processName(pid: number, name: string): TraceEvent {
  return { ph: 'M', name: 'process_name', pid, tid: 0, ts: 0, args: { name } };
}

function threadName(pid: number, tid: number, name: string): TraceEvent {
  return { ph: 'M', name: 'thread_name', pid, tid, ts: 0, args: { name } };
}

function microseconds(ms: number): number {
  return Math.round(ms * 1_000);
}
