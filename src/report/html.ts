import { RESULTS } from '../result-codes.ts';
import { escapeHtml } from './html-escape.ts';
import { STYLE } from './html-style.ts';
import { renderPicture } from './picture.ts';
import type { RunFile } from './run-file.ts';
import { commandVerdict } from './summary.ts';

type Summary = NonNullable<RunFile['summary']>;
type Cell = string | number | null;

/**
 * A run as one HTML page: its result, the picture, the figures. The page is self-contained: it has no script and
 * loads nothing.
 */
export function renderHtml(run: RunFile): string {
  const { origin, machine, writtenAt, taskId } = run;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(`flashfreeze ${origin} ${writtenAt}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>flashfreeze ${origin}</h1>
<p class="soft">${escapeHtml([writtenAt, ...scheduledText(run)].join(' · '))}</p>
${renderBody(run)}
<footer>task ${escapeHtml(taskId)} · flashfreeze ${escapeHtml(machine.flashfreeze)} · Linux ${escapeHtml(machine.kernel)} · ${machine.processors} processors</footer>
</body>
</html>
`;
}

function scheduledText({ timeline }: RunFile): string[] {
  const { at, lateMs } = timeline?.scheduled ?? {};
  return at === undefined
    ? []
    : [
        `scheduled for ${at}`,
        ...(lateMs === null || lateMs === undefined
          ? []
          : [`the first freeze began ${lateMs} ms later`]),
      ];
}

function renderBody({ origin, error, summary, timeline }: RunFile): string {
  if (summary === null || timeline === null) {
    const { code, message } = error ?? {
      code: 'FF_INTERNAL',
      message: 'the file of the run has no details',
    };
    return `<p class="verdict bad">Ended before anything was frozen: ${escapeHtml(message)} (${escapeHtml(code)})</p>`;
  }
  return [
    renderVerdict(summary, origin),
    renderFacts(summary, origin),
    renderSentences('Problems', 'problem', summary.problems),
    renderSentences('Warnings', 'warning', summary.warnings),
    '<h2>Timeline</h2>',
    renderLegend(origin),
    renderPicture(timeline, origin),
    renderTables(summary, origin),
  ].join('\n');
}

function renderVerdict(summary: Summary, origin: RunFile['origin']): string {
  const { consistency, restorable, code, disks } = summary;
  const taken = disks.filter(({ snapshot }) => snapshot !== null).length;
  const kind = restorable ? 'good' : 'bad';
  const verdict =
    origin === 'freeze'
      ? commandVerdict(summary)
      : `${consistency}: ${taken} of ${disks.length} snapshots, code ${code} (${RESULTS[code].name})`;
  return `<p class="verdict ${kind}">${escapeHtml(verdict)}</p>`;
}

/** The meaning of the instant in the result. */
const BARRIER_IS: Readonly<Record<Summary['consistency'], string>> = {
  applicationConsistent: 'instant that every snapshot shows',
  fileSystemConsistent: 'instant that every snapshot shows',
  crashConsistent: 'instant from which requests were sent',
  none: 'instant at which everything was frozen',
};

function renderFacts(summary: Summary, origin: RunFile['origin']): string {
  const { barrier, windowMs, fileSystems, disks, freezeAttempts } = summary;
  const slowest = Math.max(0, ...disks.flatMap(({ latencyMs }) => latencyMs ?? []));
  const facts: readonly [string, string][] = [
    [`${windowMs.max.toFixed(1)} ms`, 'longest time that writers were blocked'],
    [`${windowMs.mean.toFixed(1)} ms`, 'mean time that writers were blocked'],
    [
      `${slowest.toFixed(1)} ms`,
      origin === 'freeze' ? 'duration of the command' : 'slowest answer',
    ],
    [`${fileSystems.length} / ${disks.length}`, 'file systems / disks'],
    [String(freezeAttempts), freezeAttempts === 1 ? 'attempt to freeze' : 'attempts to freeze'],
    [barrier ?? 'never', origin === 'freeze' ? BARRIER_IS.none : BARRIER_IS[summary.consistency]],
  ];
  const items = facts.map(
    ([value, what]) => `<div><b>${escapeHtml(value)}</b><span>${what}</span></div>`,
  );
  return `<div class="facts">${items.join('')}</div>`;
}

function renderSentences(heading: string, kind: string, sentences: readonly string[]): string {
  const items = sentences.map((it) => `<li class="${kind}">${escapeHtml(it)}</li>`);
  return items.length === 0 ? '' : `<h2>${heading}</h2><ul>${items.join('')}</ul>`;
}

function renderLegend(origin: RunFile['origin']): string {
  const bars = [
    ['settle', 'being flushed'],
    ['freeze', 'being frozen'],
    ['frozen', 'frozen'],
    ['thaw', 'being thawed'],
    ['request', origin === 'freeze' ? 'command' : 'snapshot request until its answer'],
    ['failed', 'failed'],
  ];
  const items = bars.map(
    ([kind, what]) => `<span><i style="--c:var(--${kind})"></i>${what}</span>`,
  );
  return `<div class="legend">${items.join('')}<span><i class="barrier"></i>barrier: everything is frozen</span></div>`;
}

function renderTables(
  { fileSystems, disks, phasesMs }: Summary,
  origin: RunFile['origin'],
): string {
  return [
    '<h2>Figures</h2>',
    renderTable(
      ['file system', 'type', 'disks', '#freeze ms', '#window ms'],
      fileSystems.map((it) => [
        it.mountPoint,
        it.type,
        it.disks.join(' '),
        figure(it.freezeMs),
        figure(it.windowMs),
      ]),
    ),
    origin === 'freeze' ? renderCommand(disks) : renderDisks(disks),
    renderTable(
      ['phase', '#ms'],
      Object.entries(phasesMs).map(([name, ms]) => [name, figure(ms)]),
    ),
  ].join('\n<p>&nbsp;</p>\n');
}

function renderDisks(disks: Summary['disks']): string {
  return renderTable(
    ['disk', 'blob', 'snapshot', '#http', '#tries', '#latency ms', 'error'],
    disks.map((it) => [
      it.device ?? '?',
      it.blob,
      it.snapshot ?? 'none',
      it.httpStatus,
      it.attempts,
      figure(it.latencyMs),
      it.error ?? '',
    ]),
  );
}

function renderCommand(disks: Summary['disks']): string {
  return renderTable(
    ['command', '#ms', 'error'],
    disks.map(({ blob, latencyMs, error }) => [blob, figure(latencyMs), error ?? '']),
  );
}

/** A heading that begins with # marks a column of numbers. */
function renderTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const kind = (index: number): string =>
    headings[index]?.startsWith('#') === true ? ' class="number"' : '';
  const head = headings.map((it, index) => `<th${kind(index)}>${it.replace('#', '')}</th>`);
  const body = rows.map((row) => {
    const cells = row.map((it, index) => `<td${kind(index)}>${escapeHtml(String(it ?? '–'))}</td>`);
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function figure(value: number | null): string {
  return value === null ? '–' : value.toFixed(1);
}
