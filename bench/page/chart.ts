import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([
  BarChart,
  LineChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  SVGRenderer,
]);

/** Names of colours that the page defines, once for light and once for dark. */
export const SERIES_COLORS = [1, 2, 3, 4, 5, 6].map((number) => `var(--series-${number})`);
export const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
const GRID = 'var(--grid)';
const FONT = 'system-ui, sans-serif';

const WIDTH = 860;

export interface Chart {
  readonly title: string;
  /** What it shows, for those who do not see it, and below it for those who do. */
  readonly caption: string;
  readonly height?: number;
  readonly option: EChartsCoreOption;
}

/** An SVG that takes its colours from the page around it. */
export function renderChart({ title, height = 380, option }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    color: SERIES_COLORS,
    textStyle: { fontFamily: FONT, color: INK },
    // Wide gaps, because no font is there to measure the names with.
    legend: { top: 0, left: 'center', itemGap: 28, textStyle: { color: INK } },
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg.replace(
    /^<svg width="\d+" height="\d+"/,
    `<svg role="img" aria-label="${attribute(title)}"`,
  );
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}

interface Axis {
  readonly name: string;
  readonly type: 'log' | 'value' | 'category';
  readonly data?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** Of a logarithmic axis. */
  readonly logBase?: number;
}

/** An axis in the page's colours, its name along it. */
export function axis(it: Axis, direction: 'x' | 'y'): object {
  return {
    ...it,
    nameLocation: 'middle',
    nameGap: direction === 'x' ? 28 : 52,
    nameTextStyle: { color: MUTED },
    axisLabel: { color: MUTED },
    axisLine: { lineStyle: { color: MUTED } },
    axisTick: { lineStyle: { color: MUTED } },
    splitLine: { show: it.type !== 'category', lineStyle: { color: GRID } },
  };
}

export const PLOT = { left: 76, right: 24, top: 40, bottom: 48 } as const;
