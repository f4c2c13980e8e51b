/** One value of a metric. */
export interface Sample {
  /** Of a family in the list that is rendered. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric of the kind gauge. */
export interface Family {
  readonly name: string;
  readonly help: string;
}

/**
 * Samples as text that node_exporter's textfile collector and OpenMetrics readers understand, in the order of the
 * families; a family without a sample is left out. Pure.
 */
export function renderSamples(families: readonly Family[], samples: readonly Sample[]): string {
  const lines = families.flatMap(({ name, help }) => {
    const own = samples.filter((it) => it.name === name);
    return own.length === 0
      ? []
      : [`# TYPE ${name} gauge`, `# HELP ${name} ${help}`, ...own.map(renderSample)];
  });
  return [...lines, '# EOF', ''].join('\n');
}

function renderSample({ name, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}{${pairs.join(',')}} ${Number(value.toFixed(6))}`;
}

/** The samples with labels in a text that `renderSamples` has made; lines of any other form are left out. Pure. */
export function parseSamples(text: string): Sample[] {
  return text.split('\n').flatMap((line): Sample[] => {
    const [, name, labels, number] = SAMPLE.exec(line) ?? [];
    const value = Number(number);
    return name === undefined || labels === undefined || !Number.isFinite(value)
      ? []
      : [{ name, labels: labelsIn(labels), value }];
  });
}

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const SAMPLE = /^(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (-?[\d.e+-]+)$/;

function labelsIn(text: string): Sample['labels'] {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, label = '', value = '']) => [label, unescaped(value)]),
  );
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}
