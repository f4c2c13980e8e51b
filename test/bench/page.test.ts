import { hostname } from 'node:os';
import * as assert from 'uvu/assert';
import { describeMachine } from '../../bench/machine.ts';
import { renderPage } from '../../bench/page/page.ts';
import type { Result } from '../../bench/page/results.ts';
import type { GoodSample } from '../../bench/sample.ts';
import { suite } from '../suite.ts';

const test = suite('bench page');

const sample = (maxStallMs: number): GoodSample => ({
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
  contenders: [
    { name: 'flashfreeze', samples: [sample(30), { ok: false, reason: 'failed' }] },
    { name: 'fsfreeze & <curl>', samples: [sample(3_000)] },
  ],
}));
const SHOWN = { name: 'window', summary: 'what is <felt>', render: () => 'a table' };

const resultOf = async (figures: unknown): Promise<Result> => ({
  startedAt: '2026-11-22T00:00:00Z',
  machine: await describeMachine(),
  options: {},
  figures,
});

test('the page is one file that loads nothing from elsewhere', async () => {
  const page = renderPage([SHOWN], new Map([['window', await resultOf(FIGURES)]]));
  assert.not.match(page, /<(script|link|img|iframe)|@import|url\((?!#)/);
  const addresses = [...page.matchAll(/https?:\/\/[^"'\s<]+/g)].map(([address]) => address);
  assert.ok(addresses.every((address) => address.startsWith('http://www.w3.org/')));
});

test('charts take their colours from the page, so that light and dark both work', async () => {
  const page = renderPage([SHOWN], new Map([['window', await resultOf(FIGURES)]]));
  assert.is(page.match(/<svg role="img"/g)?.length, 4);
  assert.match(page, /(fill|stroke)="var\(--series-1\)"/);
  assert.match(page, /prefers-color-scheme: dark/);
});

test('what limits the worth of the figures stands beside the charts', async () => {
  const warned = { ...SHOWN, render: () => 'a table\n! 3 of 9 samples began <expedited>\nmore' };
  const page = renderPage([warned], new Map([['window', await resultOf(FIGURES)]]));
  const at = page.indexOf('<p class="warning">! 3 of 9 samples began &lt;expedited&gt;</p>');
  assert.ok(at > 0 && at < page.indexOf('<figure>'));
});

test('every figure says on which machine it was measured; a result of an older version does not', async () => {
  const { machine, ...rest } = await resultOf(FIGURES);
  const page = renderPage([SHOWN], new Map([['window', { machine, ...rest }]]));
  assert.match(page, `2026-11-22T00:00:00Z on ${hostname()}, `);
  const { host: _, ...older } = machine;
  const old = renderPage([SHOWN], new Map([['window', { machine: older, ...rest }]]));
  assert.match(old, '2026-11-22T00:00:00Z, ');
});

test('names and texts are shown as they are', async () => {
  const page = renderPage([SHOWN], new Map([['window', await resultOf(FIGURES)]]));
  assert.match(page, /what is &lt;felt&gt;/);
  assert.match(page, /fsfreeze &amp; &lt;curl&gt;/);
});

test('what has no result is left out, and a result of another version does not break the page', async () => {
  const broken = {
    ...SHOWN,
    name: 'scale',
    render: () => {
      throw new TypeError('other figures');
    },
  };
  const page = renderPage([SHOWN, broken], new Map([['scale', await resultOf([])]]));
  assert.not.match(page, /<h2>window/);
  assert.match(page, /another version: measure again/);
});

test.run();
