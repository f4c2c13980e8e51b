import * as assert from 'uvu/assert';
import { describeMachine } from '../../bench/machine.ts';
import { renderPage } from '../../bench/page/page.ts';
import { requireLabCommands } from '../../src/lab/requirements.ts';
import { escapeHtml } from '../../src/report/html-escape.ts';
import { browse } from '../report/browse.ts';
import { suite } from '../suite.ts';

await requireLabCommands(['chromium']);

const test = suite('bench page in a browser');

const sample = (maxStallMs: number) => ({
  ok: true,
  stallsMs: [maxStallMs],
  maxStallMs,
  meanStallMs: maxStallMs,
  elsewhereMs: 1,
  usage: { cpuMs: 100, peakRssMb: 50 },
  own: {},
});
const FIGURES = [4, 64].map((disks) => ({
  disks,
  noise: { longestMs: 1, probeCpuShare: 0.1 },
  contenders: [{ name: 'flashfreeze', samples: [sample(30), sample(40)] }],
}));

/** Heights of the letters of the charts as they are shown, and how far the page is wider than the window. */
const MEASURE = `
const heights = [...document.querySelectorAll('svg text')].map((it) => Math.hypot(it.getScreenCTM().a, it.getScreenCTM().b) * parseFloat(getComputedStyle(it).fontSize));
const out = { letters: heights.length, fontPx: Math.min(...heights), overflow: document.documentElement.scrollWidth - innerWidth };
parent.document.documentElement.innerHTML = '<body><pre>' + JSON.stringify(out) + '</pre></body>';
`;

for (const width of [1280, 375]) {
  test(`the letters of the charts can be read at ${width} px, and the page is not wider than the window`, async () => {
    const result = {
      startedAt: '2026-11-22T00:00:00Z',
      machine: await describeMachine(),
      options: {},
      figures: FIGURES,
    };
    const page = renderPage(
      [{ name: 'window', summary: 'what is felt', render: () => 'a table' }],
      new Map([['window', result]]),
    ).replace('</main>', `</main><script>${MEASURE}</script>`);
    const frame = `<!doctype html><body style="margin:0"><iframe style="border:0;width:${width}px;height:1000px" srcdoc="${escapeHtml(page)}"></iframe></body>`;
    const dom = await browse(frame, width, ['--dump-dom']);
    const { letters, fontPx, overflow } = JSON.parse(/<pre>(.*)<\/pre>/.exec(dom)?.[1] ?? '{}');
    assert.ok(letters > 20);
    assert.ok(fontPx >= 11.5, `${fontPx} px`);
    assert.ok(overflow <= 0, `overflows by ${overflow} px`);
  });
}

test.run();
