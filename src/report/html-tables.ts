import { fileNameOf } from './headline.ts';
import { escapeHtml } from './html-escape.ts';
import { inNaturalOrder } from './natural-order.ts';
import type { RunFile } from './run-file.ts';

type Summary = NonNullable<RunFile['summary']>;
type Cell = string | number | null;

/** A line of a table; its error stands in a line below it. */
interface Line {
  readonly cells: readonly Cell[];
  readonly failed: boolean;
  readonly error: string | null;
}

/** An error of more disks stands above, in one line for all of them. */
const MOST_ERRORS = 3;

/** The figures of a run. */
export function renderTables(
  { fileSystems, disks, phasesMs }: Summary,
  origin: RunFile['origin'],
): string {
  return [
    '<h2>Figures</h2>',
    renderFileSystems(fileSystems),
    origin === 'freeze' ? renderCommand(disks) : renderDisks(disks),
    renderTable(
      ['phase', '#ms'],
      Object.entries(phasesMs).map(([name, ms]) => plain([name, figure(ms)])),
    ),
  ].join('\n<p>&nbsp;</p>\n');
}

function renderFileSystems(fileSystems: Summary['fileSystems']): string {
  return renderTable(
    ['file system', 'type', '=disks', '#freeze ms', '#window ms'],
    inNaturalOrder(fileSystems, ({ mountPoint }) => mountPoint).map(({ item: it }) =>
      plain([it.mountPoint, it.type, it.disks.join(' '), figure(it.freezeMs), figure(it.windowMs)]),
    ),
  );
}

function renderDisks(disks: Summary['disks']): string {
  const isFolded = (error: string | null): boolean =>
    disks.filter((it) => it.error === error).length > MOST_ERRORS;
  return renderTable(
    ['=disk', 'blob', '=snapshot', '#http', '#tries', '#latency ms'],
    inNaturalOrder(disks, nameOf).map(({ item: it }) => ({
      cells: [
        it.device ?? '?',
        shortName(it.blob),
        it.snapshot === null ? 'none' : fileNameOf(it.snapshot),
        it.httpStatus,
        it.attempts,
        figure(it.latencyMs),
      ],
      failed: it.error !== null,
      error: isFolded(it.error) ? null : it.error,
    })),
  );
}

/** Container and name of a blob. */
function shortName(blob: string): string {
  return blob.split('/').slice(-2).join('/');
}

function nameOf({ device, blob }: Summary['disks'][number]): string {
  return device ?? blob;
}

function renderCommand(disks: Summary['disks']): string {
  return renderTable(
    ['command', '#ms'],
    disks.map(({ blob, latencyMs, error }) => ({
      cells: [blob, figure(latencyMs)],
      failed: error !== null,
      error,
    })),
  );
}

function plain(cells: readonly Cell[]): Line {
  return { cells, failed: false, error: null };
}

/**
 * A heading that begins with # marks a column of numbers, one with = a column of names and times that must not break
 * inside a cell.
 */
function renderTable(headings: readonly string[], lines: readonly Line[]): string {
  const kind = (index: number): string => {
    const mark = headings[index]?.at(0);
    return mark === '#' ? ' class="number"' : mark === '=' ? ' class="whole"' : '';
  };
  const head = headings.map((it, index) => `<th${kind(index)}>${it.replace(/^[#=]/, '')}</th>`);
  const body = lines.map(({ cells, failed, error }) => {
    const texts = cells.map(
      (it, index) => `<td${kind(index)}>${escapeHtml(String(it ?? '–'))}</td>`,
    );
    const row = `<tr${failed ? ' class="failed"' : ''}>${texts.join('')}</tr>`;
    return error === null
      ? row
      : `${row}<tr class="failed why"><td colspan="${headings.length}"><div>${escapeHtml(error)}</div></td></tr>`;
  });
  return `<div class="wide"><table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function figure(value: number | null): string {
  return value === null ? '–' : value.toFixed(1);
}
