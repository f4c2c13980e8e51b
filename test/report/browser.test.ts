import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { renderHtml } from '../../src/report/html.ts';
import { escapeHtml } from '../../src/report/html-escape.ts';
import { suite } from '../suite.ts';
import { browse } from './browse.ts';
import { busyRecord, runOf } from './fixtures/runs.ts';

await requireLabCommands(['chromium']);

const test = suite('HTML report in a browser');

/** What the page is measured by, in the browser itself. Overlaps are pairs of texts. */
const MEASURE = `
const rect = (it) => it.getBoundingClientRect();
const apart = (a, b) => a.right <= b.left + 0.5 || b.right <= a.left + 0.5 || a.bottom <= b.top + 0.5 || b.bottom <= a.top + 0.5;
const overlaps = (elements) => { let n = 0; elements.forEach((a, i) => elements.slice(i + 1).forEach((b) => { if (!apart(rect(a), rect(b))) n += 1; })); return n; };
const all = (selector) => [...document.querySelectorAll(selector)];
const svgs = all('svg');
const barriers = all('line.barrier').map((it) => rect(it).left);
const out = {
  width: innerWidth,
  overflow: document.documentElement.scrollWidth - innerWidth,
  rows: svgs.length,
  rowOverlaps: overlaps(svgs),
  labelOverlaps: overlaps(all('.row .label')) + overlaps([...all('.picture > .scale')[0].querySelectorAll('.axis span')]),
  labelsOnBars: all('.row').filter((it) => it.querySelector('svg') && !apart(rect(it.querySelector('.label')), rect(it.querySelector('svg')))).length,
  labelsCut: all('.scale .label').filter((it) => it.scrollWidth > it.clientWidth).length,
  barsOutside: all('svg').filter((svg) => [...svg.querySelectorAll('rect')].some((it) => rect(it).left < rect(svg).left - 2 || rect(it).right > rect(svg).right + 2)).length,
  fontPx: Math.min(...all('.row .label, td, .axis span').map((it) => parseFloat(getComputedStyle(it).fontSize))),
  barPx: Math.min(...all('rect.frozen').map((it) => rect(it).width)),
  barrierSpread: Math.max(...barriers) - Math.min(...barriers),
  brokenCells: all('td').filter((it) => {
    const stamp = /\\d{4}-\\d\\d-\\d\\dT\\S+|\\/dev\\/\\S+/.exec(it.textContent);
    if (stamp === null || it.firstChild?.nodeType !== 3 || it.colSpan > 1) return false;
    const range = document.createRange();
    range.setStart(it.firstChild, stamp.index);
    range.setEnd(it.firstChild, stamp.index + stamp[0].length);
    return new Set([...range.getClientRects()].map(({ top }) => top)).size !== 1;
  }).length,
  hiddenErrors: all('tr.why div').filter((it) => rect(it).right > innerWidth).length,
  splitNames: all('td').filter((it) => /^[\\w.-]+\\/[\\w.-]+$/.test(it.textContent) && rect(it).height > 60).length,
  stamps: all('td').filter((it) => /^\\d{4}-\\d\\d-\\d\\dT/.test(it.textContent)).length,
  axisTop: (() => {
    const rows = all('.picture .row');
    rows[rows.length - 2].scrollIntoView({ block: 'start' });
    return rect(all('.picture > .scale')[0]).top;
  })(),
  background: getComputedStyle(document.body).backgroundColor,
};
parent.document.documentElement.innerHTML = '<body><pre>' + JSON.stringify(out) + '</pre></body>';
`;

interface Measured {
  readonly width: number;
  readonly overflow: number;
  readonly rows: number;
  readonly rowOverlaps: number;
  readonly labelOverlaps: number;
  readonly labelsOnBars: number;
  readonly barsOutside: number;
  readonly labelsCut: number;
  readonly fontPx: number;
  readonly barPx: number;
  readonly barrierSpread: number;
  readonly brokenCells: number;
  readonly hiddenErrors: number;
  readonly splitNames: number;
  readonly stamps: number;
  readonly axisTop: number;
  readonly background: string;
}

/**
 * The page forbids scripts; the measured copy does not. It stands in a frame, because a window of this
 * browser is never narrower than 500 px.
 */
async function measure(
  page: string,
  width: number,
  args: readonly string[] = [],
): Promise<Measured> {
  const open = page.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
  const measured = open.replace('</body>', `<script>${MEASURE}</script></body>`);
  const frame = `<body style="margin:0"><iframe style="border:0;width:${width}px;height:1000px" srcdoc="${escapeHtml(measured)}"></iframe></body>`;
  const dom = await browse(
    `<!doctype html><meta name="color-scheme" content="light dark">${frame}`,
    width,
    [...args, '--dump-dom'],
  );
  return JSON.parse(/<pre>(.*)<\/pre>/.exec(dom)?.[1] ?? 'null') as Measured;
}

for (const [disks, width] of [
  [8, 1280],
  [65, 1280],
  [8, 375],
  [65, 375],
] as const) {
  test(`${disks} disks at ${width} px: nothing overlaps, overflows or is too small to read`, async () => {
    const page = await measure(renderHtml(runOf(busyRecord(disks))), width);
    assert.is(page.rows, 2 * disks);
    assert.is(page.width, width);
    assert.ok(page.overflow <= 0, `overflows by ${page.overflow}`);
    assert.equal(
      [page.rowOverlaps, page.labelOverlaps, page.labelsOnBars, page.barsOutside, page.labelsCut],
      [0, 0, 0, 0, 0],
    );
    assert.ok(page.fontPx >= 12, `${page.fontPx} px`);
    assert.ok(page.barPx >= 20, `${page.barPx} px`);
    assert.ok(page.barrierSpread < 1);
    assert.is(page.stamps, disks - 1);
    assert.equal([page.brokenCells, page.splitNames, page.hiddenErrors], [0, 0, 0]);
    assert.ok(page.axisTop >= 0 && page.axisTop < 20, `the axis is at ${page.axisTop} px`);
  });
}

test('the measuring notices: without the style sheet, labels lie on each other or it overflows', async () => {
  const page = renderHtml(runOf(busyRecord(8))).replace(
    '</style>',
    '.row .label{margin-bottom:-30px}td.whole{white-space:normal;overflow-wrap:anywhere;max-width:90px}.verdict{white-space:nowrap;width:2000px}</style>',
  );
  const { overflow, labelOverlaps, labelsOnBars, brokenCells } = await measure(page, 375);
  assert.ok(overflow > 0);
  assert.ok(labelOverlaps + labelsOnBars > 0);
  assert.ok(brokenCells > 0);
});

test('is dark where the reader’s system is', async () => {
  const html = renderHtml(runOf(busyRecord(8)));
  const light = await measure(html, 1280);
  const dark = await measure(html, 1280, ['--blink-settings=preferredColorScheme=0']);
  assert.is(light.background, 'rgb(255, 255, 255)');
  assert.is(dark.background, 'rgb(20, 25, 31)');
});

test('prints, as it is and without scripts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-print-'));
  try {
    const pdf = join(folder, 'page.pdf');
    await browse(renderHtml(runOf(busyRecord(65))), 1280, [`--print-to-pdf=${pdf}`]);
    assert.ok((await stat(pdf)).size > 10_000);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
