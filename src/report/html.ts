import { RESULTS } from '../result-codes.ts';
import { type DiskProblem, headlineOf, sentenceOf } from './headline.ts';
import { escapeHtml } from './html-escape.ts';
import { STYLE } from './html-style.ts';
import { renderTables } from './html-tables.ts';
import { renderPicture, rowId } from './picture.ts';
import type { RunFile } from './run-file.ts';
import { commandVerdict } from './summary.ts';

type Summary = NonNullable<RunFile['summary']>;

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
<title>${escapeHtml(`flashfreeze ${origin}${onHost(run)} ${writtenAt}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(`flashfreeze ${origin}${onHost(run)}`)}</h1>
<p class="soft">${escapeHtml([writtenAt, ...scheduledText(run)].join(' · '))}</p>
${renderBody(run)}
<footer>task ${escapeHtml(taskId)} · flashfreeze ${escapeHtml(machine.flashfreeze)} · Linux ${escapeHtml(machine.kernel)} · ${machine.processors} processors</footer>
</body>
</html>
`;
}

/** ` on db1`; empty if the file does not name the machine. */
function onHost({ machine: { host } }: RunFile): string {
  return host === null ? '' : ` on ${host}`;
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
    origin === 'freeze'
      ? renderSentences('Problems', 'problem', summary.problems)
      : renderProblems(summary),
    renderSentences('Warnings', 'warning', summary.warnings),
    '<h2>Timeline</h2>',
    renderLegend(origin),
    renderPicture(timeline, origin),
    renderTables(summary, origin),
  ].join('\n');
}

function renderVerdict(summary: Summary, origin: RunFile['origin']): string {
  const { consistency, restorable, code, disks } = summary;
  const kind = restorable ? 'good' : 'bad';
  const line = (what: string, of: string): string => `<p class="${what}">${escapeHtml(of)}</p>`;
  if (origin === 'freeze') {
    return line(`verdict ${kind}`, commandVerdict(summary));
  }
  const taken = disks.filter(({ snapshot }) => snapshot !== null).length;
  const verdict = `${consistency}: ${taken} of ${disks.length} snapshots, code ${code} (${RESULTS[code].name})`;
  const { text, advice } = headlineOf(summary);
  return text === undefined
    ? line(`verdict ${kind}`, verdict)
    : [
        line(`verdict ${kind}`, text),
        ...(advice === undefined ? [] : [line('advice', advice)]),
        line('soft', verdict),
      ].join('');
}

/** Without what the headline says already. What several disks have is one line, which can be unfolded. */
function renderProblems(summary: Summary): string {
  const { text, advice, general, ofDisks } = headlineOf(summary);
  const items = [
    ...general.filter((it) => text?.endsWith(it) !== true).map(escapeHtml),
    ...ofDisks
      .filter(({ what, disks }) => disks.length > 1 || what !== advice)
      .map(renderDiskProblem),
  ];
  const list = items.map((it) => `<li class="problem">${it}</li>`).join('');
  return items.length === 0 ? '' : `<h2>Problems</h2><ul>${list}</ul>`;
}

function renderDiskProblem(problem: DiskProblem): string {
  const { what, disks } = problem;
  return disks.length === 1
    ? escapeHtml(sentenceOf(problem))
    : `<details><summary>${escapeHtml(`${disks.length} disks: ${what}`)}</summary>${escapeHtml(disks.join(', '))}</details>`;
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
  const blocked = longest(fileSystems, (it) => it.windowMs);
  const slowest = longest(disks, (it) => it.latencyMs);
  const linkToBlocked =
    blocked && link(rowId('file-system', blocked.index), blocked.item.mountPoint);
  const slowestName = slowest?.item.device ?? slowest?.item.blob ?? '';
  const facts: readonly [value: string, what: string, link?: string | undefined][] = [
    [`${windowMs.max.toFixed(1)} ms`, 'longest time that writers were blocked', linkToBlocked],
    [`${windowMs.mean.toFixed(1)} ms`, 'mean time that writers were blocked'],
    origin === 'freeze'
      ? [`${(slowest?.value ?? 0).toFixed(1)} ms`, 'duration of the command']
      : [
          slowest === undefined ? 'none' : `${slowest.value.toFixed(1)} ms`,
          'slowest answer',
          slowest && link(rowId('disk', slowest.index), slowestName),
        ],
    [`${fileSystems.length} / ${disks.length}`, 'file systems / disks'],
    [String(freezeAttempts), freezeAttempts === 1 ? 'attempt to freeze' : 'attempts to freeze'],
    [barrier ?? 'never', origin === 'freeze' ? BARRIER_IS.none : BARRIER_IS[summary.consistency]],
  ];
  const items = facts.map(
    ([value, what, to]) =>
      `<div><b>${escapeHtml(value)}</b><span>${what}${to === undefined ? '' : `: ${to}`}</span></div>`,
  );
  return `<div class="facts">${items.join('')}</div>`;
}

/** The item with the largest value; undefined if none has a value. */
function longest<Item>(
  items: readonly Item[],
  measure: (item: Item) => number | null,
): { readonly item: Item; readonly index: number; readonly value: number } | undefined {
  return items
    .flatMap((item, index) => {
      const value = measure(item);
      return value === null ? [] : [{ item, index, value }];
    })
    .reduce<{ item: Item; index: number; value: number } | undefined>(
      (most, it) => (most === undefined || it.value > most.value ? it : most),
      undefined,
    );
}

function link(id: string, name: string): string {
  return `<a href="#${id}">${escapeHtml(name)}</a>`;
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
