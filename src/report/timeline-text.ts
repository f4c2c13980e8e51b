import type { Timeline } from './timeline.ts';

interface Moment {
  readonly atMs: number;
  readonly what: string;
}

/** One line for each event, in order of time; times are milliseconds since the first freeze. */
export function timelineLines(timeline: Timeline): string[] {
  const moments = [
    ...timeline.fileSystems.flatMap(momentsOfFileSystem),
    ...timeline.disks.flatMap(momentsOfDisk),
    ...moment(timeline.barrierMs, 'everything is frozen'),
  ].sort((a, b) => a.atMs - b.atMs);
  const freezes = timeline.fileSystems.flatMap((it) => it.freezes.map(({ startMs }) => startMs));
  const zero = freezes.length === 0 ? (moments[0]?.atMs ?? 0) : Math.min(...freezes);
  return [
    ...scheduledLine(timeline),
    ...moments.map(({ atMs, what }) => `${(atMs - zero).toFixed(3).padStart(9)} ms  ${what}`),
  ];
}

function scheduledLine({ scheduled }: Timeline): string[] {
  return scheduled === null || scheduled.lateMs === null
    ? []
    : [`the first freeze was scheduled for ${scheduled.at} and began ${scheduled.lateMs} ms later`];
}

function momentsOfFileSystem({
  mountPoint,
  settle,
  freezes,
}: Timeline['fileSystems'][number]): Moment[] {
  return [
    ...moment(settle?.[0], `${mountPoint}: flushes`),
    ...moment(settle?.[1], `${mountPoint}: flushed`),
    ...freezes.flatMap(({ startMs, frozenMs, thaw, error }) => [
      ...moment(startMs, `${mountPoint}: freezes${error === null ? '' : ` (${error})`}`),
      ...moment(frozenMs, `${mountPoint}: frozen`),
      ...moment(thaw?.[0], `${mountPoint}: thaws`),
      ...moment(thaw?.[1], `${mountPoint}: thawed`),
    ]),
  ];
}

function momentsOfDisk({ device, blob, request, error }: Timeline['disks'][number]): Moment[] {
  const name = device ?? blob;
  return [
    ...moment(request?.[0], `${name}: request`),
    ...moment(request?.[1], `${name}: ${error === null ? 'answer' : `failed (${error})`}`),
  ];
}

function moment(atMs: number | null | undefined, what: string): Moment[] {
  return atMs === null || atMs === undefined ? [] : [{ atMs, what }];
}
