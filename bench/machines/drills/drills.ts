/** What is done to a machine while its file systems are frozen, or right before; each with what must come of it. */
export type DrillName = 'extension' | 'power-cut' | PlayedDrill;

type PlayedDrill =
  | 'guardian-killed'
  | 'program-killed'
  | 'machine-stopped'
  | 'cpu-unplugged'
  | 'clock-advanced'
  | 'clock-set-back'
  | 'memory-short'
  | 'disk-slow'
  | 'disk-late'
  | 'disk-fails-before'
  | 'disk-fails'
  | 'disk-detached'
  | 'disk-detached-before'
  | 'disk-detached-after';

export interface Drill {
  /** Of `flashfreeze freeze`. */
  readonly timeoutS: number;
  /** How long the command stays in the window. */
  readonly holdS: number;
  /** Writers must not stand still longer, in ms of the machine's clock. */
  readonly mostMs: number;
  /** Of the run. */
  readonly exitCode: 'zero' | 'not-zero' | 'any';
  /** Done before the run, some time after its start, in the window, and after the run. */
  readonly before?: Deed;
  readonly meanwhile?: { readonly afterS: number; readonly deed: Deed };
  readonly inWindow?: Deed;
  readonly after?: Deed;
  /** On the disk that the drill breaks. */
  readonly harmed?: Harmed;
}

/** By the host on request, or in the machine itself. */
export type Deed = Request | OwnDeed;

export type OwnDeed =
  | { readonly action: 'kill'; readonly what: 'guardian' | 'program' }
  | { readonly action: 'processor'; readonly state: 'offline' | 'online' }
  /** Of the wall clock. */
  | { readonly action: 'clock'; readonly hours: number }
  | { readonly action: 'fill-memory'; readonly leaveMb: number }
  | { readonly action: 'free-memory' };

export interface Harmed {
  readonly at: string;
  /** A slow disk takes writes again afterwards; on a lost one they must fail, and not wait. */
  readonly becomes: 'slow' | 'lost';
}

/** An emulated processor needs its time between the thaw and what a writer notices. */
const SLACK_MS = 10_000;
const KILLED = { timeoutS: 60, holdS: 40, mostMs: SLACK_MS, exitCode: 'not-zero' } as const;
const SHORT = { timeoutS: 20, holdS: 5, mostMs: 20_000 + SLACK_MS } as const;

export const DRILLS: Readonly<Record<PlayedDrill, Drill>> = {
  'guardian-killed': { ...KILLED, inWindow: { action: 'kill', what: 'guardian' } },
  'program-killed': { ...KILLED, inWindow: { action: 'kill', what: 'program' } },
  // The clocks of the machine stand still, too: the deadline goes on with them.
  'machine-stopped': {
    ...{ timeoutS: 10, holdS: 60, mostMs: 10_000 + SLACK_MS, exitCode: 'not-zero' },
    inWindow: { action: 'stop', seconds: 20 },
  },
  'cpu-unplugged': {
    ...{ ...SHORT, exitCode: 'zero' },
    inWindow: { action: 'processor', state: 'offline' },
    after: { action: 'processor', state: 'online' },
  },
  'clock-advanced': {
    ...{ ...SHORT, exitCode: 'zero' },
    inWindow: { action: 'clock', hours: 1 },
    after: { action: 'clock', hours: -1 },
  },
  'clock-set-back': {
    ...{ ...SHORT, exitCode: 'zero' },
    inWindow: { action: 'clock', hours: -1 },
    after: { action: 'clock', hours: 1 },
  },
  'memory-short': {
    ...{ ...SHORT, exitCode: 'any' },
    inWindow: { action: 'fill-memory', leaveMb: 64 },
    after: { action: 'free-memory' },
  },
  'disk-slow': {
    ...{ timeoutS: 10, holdS: 1, mostMs: 10_000 + SLACK_MS, exitCode: 'any' },
    before: { action: 'slow', disk: 'lun3' },
    after: { action: 'fast', disk: 'lun3' },
    harmed: { at: '/d/lun3', becomes: 'slow' },
  },
  // The run flushes before it freezes, and nothing is frozen until the disk has answered.
  'disk-late': {
    ...{ ...SHORT, holdS: 1, exitCode: 'any' },
    before: { action: 'hold-back', disk: 'lun3' },
    meanwhile: { afterS: 30, deed: { action: 'fast', disk: 'lun3' } },
    harmed: { at: '/d/lun3', becomes: 'slow' },
  },
  'disk-fails-before': {
    ...{ ...SHORT, holdS: 1, exitCode: 'any' },
    before: { action: 'fail', disk: 'lun5' },
    after: { action: 'mend', disk: 'lun5' },
    harmed: { at: '/d/lun5', becomes: 'lost' },
  },
  'disk-fails': {
    ...{ ...SHORT, exitCode: 'any' },
    inWindow: { action: 'fail', disk: 'lun4' },
    after: { action: 'mend', disk: 'lun4' },
    harmed: { at: '/d/lun4', becomes: 'lost' },
  },
  'disk-detached': {
    ...{ ...SHORT, exitCode: 'any' },
    inWindow: { action: 'detach', disk: 'lun1' },
    harmed: { at: '/d/lun1', becomes: 'lost' },
  },
  'disk-detached-before': {
    ...{ ...SHORT, holdS: 1, exitCode: 'any' },
    before: { action: 'detach', disk: 'lun2' },
    harmed: { at: '/d/lun2', becomes: 'lost' },
  },
  'disk-detached-after': {
    ...{ ...SHORT, exitCode: 'zero' },
    after: { action: 'detach', disk: 'lun0' },
    harmed: { at: '/d/lun0', becomes: 'lost' },
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
  /** What became of a write after the drill, if it did not end well. */
  readonly later: readonly LaterWrite[];
}

export interface WriterFinding {
  readonly at: string;
  readonly longestMs: number;
  readonly error?: string;
}

export interface LaterWrite {
  readonly at: string;
  /** Why it failed; absent if it did not end in time. */
  readonly error?: string;
}

/** One line for each thing that is wrong. Pure. */
export function judgeDrill({ name, code, said, writers, later }: Drilled): string[] {
  if (name === 'extension' || name === 'power-cut') {
    return code === 0 ? [] : [`${name}: ended with ${code}: ${said}`];
  }
  const { mostMs, exitCode, harmed } = DRILLS[name];
  const others = writers.filter(({ at }) => at !== harmed?.at);
  const wrong = later.filter(
    ({ at, error }) => at !== harmed?.at || harmed.becomes === 'slow' || error === undefined,
  );
  return [
    ...(code === 0 && exitCode === 'not-zero' ? [`${name}: the run ended with 0`] : []),
    ...(code !== 0 && exitCode === 'zero' ? [`${name}: the run ended with ${code}: ${said}`] : []),
    ...others.flatMap(({ at, longestMs, error }) => [
      ...(longestMs > mostMs ? [`${name}: a write on ${at} took ${longestMs.toFixed(0)} ms`] : []),
      ...(error === undefined ? [] : [`${name}: a write on ${at} failed: ${error}`]),
    ]),
    ...wrong.map(
      ({ at, error = 'it does not end' }) => `${name}: a later write on ${at}: ${error}`,
    ),
  ];
}

/** What the machine asks of the host: a line of REQUESTS/asked; the host answers with a file REQUESTS/done-<number>. */
export type Request =
  | { readonly action: 'stop'; readonly seconds: number }
  | {
      readonly action: 'slow' | 'hold-back' | 'fast' | 'fail' | 'mend' | 'detach';
      readonly disk: string;
    }
  | { readonly action: 'cut' };

/** Folder in the one that the machine and the host share. */
export const REQUESTS = 'requests';
