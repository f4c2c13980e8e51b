import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../machine.ts';
import { type Chart, renderChart } from './chart.ts';
import { chartsOf } from './charts-of.ts';
import type { Result } from './results.ts';

const COLORS = readFileSync(join(import.meta.dirname, 'colors.css'), 'utf8');

/** What is shown of a scenario: in the order given, as far as there are results. */
export interface Shown {
  readonly name: string;
  readonly summary: string;
  /** The tables, as the terminal shows them. */
  render(figures: unknown, options: Result['options']): string;
}

/** One HTML file that needs nothing else: it opens offline, in light and dark. */
export function renderPage(shown: readonly Shown[], results: ReadonlyMap<string, Result>): string {
  const sections = shown.flatMap((scenario) => {
    const result = results.get(scenario.name);
    return result === undefined ? [] : [sectionOrNote(scenario, result)];
  });
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>flashfreeze: benchmarks</title>',
    `<style>${COLORS}${readFileSync(join(import.meta.dirname, 'page.css'), 'utf8')}</style>`,
    '</head><body><main>',
    '<h1>flashfreeze: benchmarks</h1>',
    '<p>What writers feel while every disk of a machine is snapshotted at one instant. The truth is a stall probe that writes to every file system every half millisecond (less often to more than 32); all tools of a chart ran in turn, on the same disks and against the same server.</p>',
    ...sections,
    '</main></body></html>',
    '',
  ].join('\n');
}

/** The charts of a result as files of their own, by name; each brings its colours along. */
export function renderPictures(scenario: string, { figures }: Result): Record<string, string> {
  const pictures = chartsOf(scenario, figures).map((chart, index): [string, string] => [
    `${scenario}-${index + 1}.svg`,
    renderChart(chart).replace(
      />/,
      `><style>${COLORS}</style><rect width="100%" height="100%" fill="var(--ground)"/>`,
    ),
  ]);
  return Object.fromEntries(pictures);
}

/** A result of another version's may have other figures; it does not keep the others from being shown. */
function sectionOrNote(scenario: Shown, result: Result): string {
  try {
    return section(scenario, result);
  } catch {
    return `<section><h2>${scenario.name}</h2><p>The result of ${text(result.startedAt)} is of another version: measure again.</p></section>`;
  }
}

function section({ name, summary, render }: Shown, result: Result): string {
  const { startedAt, machine, options, figures } = result;
  const rendered = render(figures, options);
  return [
    `<section id="${name}"><h2>${name}</h2>`,
    `<p>${text(summary)}.</p>`,
    ...warningsIn(rendered).map((it) => `<p class="warning">${text(it)}</p>`),
    ...chartsOf(name, figures).map(figure),
    `<details><summary>Figures</summary><pre>${text(rendered)}</pre></details>`,
    `<p class="origin">${text(origin(startedAt, machine))}</p></section>`,
  ].join('\n');
}

/** What limits the worth of the figures, e.g. that grace periods were expedited already: it holds for the charts too. */
function warningsIn(rendered: string): string[] {
  return rendered.split('\n').filter((line) => line.startsWith('! '));
}

function figure(chart: Chart): string {
  return `<figure><h3>${text(chart.title)}</h3><div class="chart">${renderChart(chart)}</div><figcaption>${text(chart.caption)}</figcaption></figure>`;
}

function origin(startedAt: string, machine: Machine): string {
  const versions = Object.entries(machine.versions).map((pair) => pair.join(' '));
  const load = machine.loadAverage[0]?.toFixed(1);
  const host = machine.host === undefined ? '' : ` on ${machine.host}`;
  return `${startedAt}${host}, ${machine.cores} × ${machine.processor}, ${machine.memoryMb} MB, Linux ${machine.kernel}, load ${load}; ${versions.join(', ')}`;
}

function text(plain: string): string {
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
