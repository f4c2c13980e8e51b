import { escapeHtml } from './html-escape.ts';
import { inNaturalOrder } from './natural-order.ts';
import type { RunFile } from './run-file.ts';
import { type TimeAxis, timeAxis } from './time-axis.ts';
import type { Timeline, TimelineDisk, TimelineFileSystem } from './timeline.ts';

/** One bar of the picture; `kind` is a class of the style sheet. */
interface Bar {
  readonly kind: 'settle' | 'freeze' | 'frozen' | 'thaw' | 'request' | 'failed';
  readonly fromMs: number;
  readonly toMs: number;
  readonly title: string;
}

interface Row {
  readonly id: string;
  readonly label: string;
  readonly detail: string;
  readonly bars: readonly Bar[];
}

/** Units of a row's drawing, which is stretched to the available width. */
const WIDTH = 1_000;
const HEIGHT = 16;

/**
 * A row for each file system and each disk on one time axis, with the barrier through all of them.
 * The drawings hold only bars: drawings are stretched, which would also stretch text.
 */
export function renderPicture(timeline: Timeline, origin: RunFile['origin'] = 'snapshot'): string {
  const axis = timeAxis(timeline);
  const draw = (row: Row): string => renderRow(row, axis, timeline.barrierMs);
  return [
    '<div class="picture">',
    ...(axis.isCompressed
      ? [
          `<p class="soft">The part left of 0 (${axis.beforeMs.toFixed(0)} ms) uses a different scale.</p>`,
        ]
      : []),
    renderScale(axis, 'top'),
    '<h3>File systems</h3>',
    ...inNaturalOrder(timeline.fileSystems, ({ mountPoint }) => mountPoint)
      .map(({ item, index }) => fileSystemRow(item, index))
      .map(draw),
    origin === 'freeze' ? '<h3>Command</h3>' : '<h3>Disks</h3>',
    ...inNaturalOrder(timeline.disks, ({ device, blob }) => device ?? blob)
      .map(({ item, index }) => (origin === 'freeze' ? commandRow : diskRow)(item, index))
      .map(draw),
    renderScale(axis, 'bottom'),
    '</div>',
  ].join('\n');
}

/** The row of a file system or disk, by its index in the run. */
export function rowId(kind: 'file-system' | 'disk', index: number): string {
  return `${kind}-${index}`;
}

function fileSystemRow(
  { mountPoint, type, disks, settle, freezes }: TimelineFileSystem,
  index: number,
): Row {
  const flushed: Bar[] =
    settle === null ? [] : [bar('settle', settle[0], settle[1], 'being flushed')];
  return {
    id: rowId('file-system', index),
    label: mountPoint,
    detail: [type, ...disks].join(' '),
    bars: [...flushed, ...freezes.flatMap(freezeBars)],
  };
}

function freezeBars({
  startMs,
  frozenMs,
  failedMs,
  thaw,
  error,
}: TimelineFileSystem['freezes'][number]): Bar[] {
  const untilMs = thaw?.[0] ?? frozenMs ?? failedMs ?? startMs;
  const freeze = bar('freeze', startMs, frozenMs ?? untilMs, 'being frozen');
  const frozen = frozenMs === null ? [] : [bar('frozen', frozenMs, untilMs, 'frozen')];
  const thawed = thaw === null ? [] : [bar('thaw', thaw[0], thaw[1], 'being thawed')];
  const failed = error === null ? [] : [bar('failed', startMs, thaw?.[1] ?? untilMs, error)];
  return [freeze, ...frozen, ...thawed, ...failed];
}

function diskRow(disk: TimelineDisk, index: number): Row {
  const { device, blob, attempts } = disk;
  return {
    id: rowId('disk', index),
    label: device ?? 'unknown disk',
    detail: blob.split('/').slice(-2).join('/'),
    bars: requestBars(disk, `${attempts} ${attempts === 1 ? 'request' : 'requests'}`),
  };
}

function commandRow(command: TimelineDisk, index: number): Row {
  return {
    id: rowId('disk', index),
    label: command.blob,
    detail: '',
    bars: requestBars(command, 'command'),
  };
}

function requestBars({ request, consistent, error }: TimelineDisk, what: string): Bar[] {
  return request === null
    ? []
    : [bar(consistent ? 'request' : 'failed', request[0], request[1], error ?? what)];
}

function bar(kind: Bar['kind'], fromMs: number, toMs: number, what: string): Bar {
  return { kind, fromMs, toMs, title: `${what}, ${(toMs - fromMs).toFixed(1)} ms` };
}

function renderRow(
  { id, label, detail, bars }: Row,
  axis: TimeAxis,
  barrierMs: number | null,
): string {
  const barrier =
    barrierMs === null ? '' : line('barrier', axis.position(barrierMs), 'everything is frozen');
  return [
    `<div class="row" id="${id}">`,
    `<div class="label"><b>${escapeHtml(label)}</b> <span>${escapeHtml(detail)}</span></div>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escapeHtml(`${label}: ${bars.map(({ title }) => title).join('; ') || 'nothing'}`)}">`,
    ...axis.ticks.map(({ percent }) => line('tick', percent)),
    ...bars.map((it) => renderBar(it, axis)),
    barrier,
    '</svg></div>',
  ].join('');
}

/** A failure is drawn as a frame around the other bars, so that both are visible. */
function renderBar({ kind, fromMs, toMs, title }: Bar, axis: TimeAxis): string {
  const from = axis.position(fromMs) * (WIDTH / 100);
  const width = Math.max(0, axis.position(toMs) * (WIDTH / 100) - from);
  return `<rect class="${kind}" x="${round(from)}" y="2" width="${round(width)}" height="${HEIGHT - 4}"><title>${escapeHtml(title)}</title></rect>`;
}

function line(kind: string, percent: number, title?: string): string {
  const x = round(percent * (WIDTH / 100));
  const titleElement = title === undefined ? '' : `<title>${escapeHtml(title)}</title>`;
  return `<line class="${kind}" x1="${x}" x2="${x}" y1="0" y2="${HEIGHT}">${titleElement}</line>`;
}

/** The labels at the edges are shifted, so that they stay inside the picture. */
function renderScale({ ticks }: TimeAxis, edge: 'top' | 'bottom'): string {
  const labels = ticks.map(({ percent, label }) => {
    const shift = percent < 5 ? '0' : percent > 95 ? '-100%' : '-50%';
    return `<span style="left:${round(percent)}%;transform:translateX(${shift})">${label}</span>`;
  });
  return `<div class="row scale ${edge}"><div class="label">ms since the first freeze</div><div class="axis">${labels.join('')}</div></div>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
