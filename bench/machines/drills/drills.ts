/** What is done to a machine while its file systems are frozen, or right before; each with what must come of it. */
export type DrillName =
  | 'extension'
  | 'guardian-killed'
  | 'program-killed'
  | 'machine-stopped'
  | 'disk-slow'
  | 'disk-detached'
  | 'power-cut';

export interface Drill {
  readonly name: DrillName;
  /** Of `flashfreeze freeze`. */
  readonly timeoutS: number;
  /** How long the command stays in the window. */
  readonly holdS: number;
  /** Writers must not stand still longer, in ms of the machine's clock. */
  readonly mostMs: number;
  /** Whether the run may end with 0. */
  readonly maySucceed: boolean;
}

/** An emulated processor needs its time between the thaw and what a writer notices. */
const SLACK_MS = 10_000;

export const DRILLS: Readonly<Record<Exclude<DrillName, 'extension' | 'power-cut'>, Drill>> = {
  'guardian-killed': {
    ...{ name: 'guardian-killed', timeoutS: 60, holdS: 40 },
    ...{ mostMs: SLACK_MS, maySucceed: false },
  },
  'program-killed': {
    ...{ name: 'program-killed', timeoutS: 60, holdS: 40 },
    ...{ mostMs: SLACK_MS, maySucceed: false },
  },
  // The clocks of the machine stand still, too: the deadline goes on with them.
  'machine-stopped': {
    ...{ name: 'machine-stopped', timeoutS: 10, holdS: 60 },
    ...{ mostMs: 10_000 + SLACK_MS, maySucceed: false },
  },
  'disk-slow': {
    ...{ name: 'disk-slow', timeoutS: 10, holdS: 1 },
    ...{ mostMs: 10_000 + SLACK_MS, maySucceed: true },
  },
  'disk-detached': {
    ...{ name: 'disk-detached', timeoutS: 20, holdS: 5 },
    ...{ mostMs: 20_000 + SLACK_MS, maySucceed: true },
  },
};

/** What a drill left: `/host/drilled.json` is a list of them. */
export interface Drilled {
  readonly name: DrillName;
  /** Of the run. */
  readonly code: number;
  /** Its last lines. */
  readonly said: string;
  /** The longest that a write took on each file system, or why it failed. */
  readonly writers: readonly WriterFinding[];
  /** Where no write ended in time after the drill. */
  readonly stuck: readonly string[];
}

export interface WriterFinding {
  readonly at: string;
  readonly longestMs: number;
  readonly error?: string;
}

/**
 * One line for each thing that is wrong. Pure.
 *
 * @param lost mount points on a disk that the drill takes away: a write may fail there, or wait for the disk
 */
export function judgeDrill(drilled: Drilled, lost: readonly string[]): string[] {
  const { name, code, said, writers, stuck } = drilled;
  if (name === 'extension' || name === 'power-cut') {
    return code === 0 ? [] : [`${name}: ended with ${code}: ${said}`];
  }
  const { mostMs, maySucceed } = DRILLS[name];
  const others = writers.filter(({ at }) => !lost.includes(at));
  return [
    ...(code === 0 && !maySucceed ? [`${name}: the run ended with 0`] : []),
    ...others.flatMap(({ at, longestMs, error }) => [
      ...(longestMs > mostMs ? [`${name}: a write on ${at} took ${longestMs.toFixed(0)} ms`] : []),
      ...(error === undefined ? [] : [`${name}: a write on ${at} failed: ${error}`]),
    ]),
    ...stuck.filter((at) => !lost.includes(at)).map((at) => `${name}: ${at} stayed frozen`),
  ];
}

/** What the machine asks of the host: a line of `/host/asked`; the host answers with a file `/host/done-<number>`. */
export type Request =
  | { readonly action: 'stop'; readonly seconds: number }
  | { readonly action: 'slow'; readonly disk: string }
  | { readonly action: 'fast'; readonly disk: string }
  | { readonly action: 'detach'; readonly disk: string }
  | { readonly action: 'cut' };
