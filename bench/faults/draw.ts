import type { Random } from '../../src/lab/blob-server/random.ts';

/** What is done to a run. The worker is the command's process; its lanes are threads of it. */
export const FAULT_KINDS = [
  'kill-worker',
  'stop-worker',
  'busy-loop',
  'busy-lane',
  'crash-lane',
  'kill-guardian',
  'stop-guardian',
  'kill-worker-then-guardian',
  'kill-guardian-then-worker',
  'kill-group',
  'freeze-group',
  'crash-worker',
  'crash-worker-no-dump',
  'blocked-write',
  'blocked-write-both-killed',
  'restart-daemon',
  'balance',
  'open-hangs',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Of the worker; its guardian has left it. */
export function isAboutGroup(kind: FaultKind): boolean {
  return kind === 'kill-group' || kind === 'freeze-group';
}

/** Worker and guardian hear nothing of it, but for the drawn signal. */
export function leavesAlone(kind: FaultKind): boolean {
  return kind === 'balance' || kind === 'open-hangs';
}

/** A thread of the worker waits for a thaw when the worker is killed. */
export function blocksWrite(kind: FaultKind): boolean {
  return kind === 'blocked-write' || kind === 'blocked-write-both-killed';
}

/** The worker cannot end in order. */
export function endsWorker({ kind, signal }: Pick<Drawn, 'kind' | 'signal'>): boolean {
  const isKilled = kind === 'kill-worker' || kind === 'kill-group' || kind === 'blocked-write';
  return isKilled || kind.startsWith('crash-worker') || signal === 'SIGKILL';
}

/** Nobody is left to thaw: that is up to the next start of any command. */
export function killsBoth(kind: FaultKind): boolean {
  return (
    kind === 'kill-worker-then-guardian' ||
    kind === 'kill-guardian-then-worker' ||
    kind === 'blocked-write-both-killed'
  );
}

/** Whether a process that thaws, the worker or the guardian, may be killed while it does. */
export function killsThaw({ kind, signal }: Pick<Drawn, 'kind' | 'signal'>): boolean {
  return kind.startsWith('kill-') || killsBoth(kind) || endsWorker({ kind, signal });
}

/** One round as drawn; everything else in it is up to the machine. */
export interface Drawn {
  readonly kind: FaultKind;
  /** Of every snapshot request, in ms. */
  readonly latencyMs: number;
  /** What the moment is counted from: the start of the worker or guardian, or when all is armed. */
  readonly from: 'start' | 'arm';
  readonly delayMs: number;
  /** How long it is stopped or busy; undefined: stopped until everything can be written again. */
  readonly lastsMs: number | undefined;
  /** Between two kills, or two lives of a daemon, or from a write that blocks to the kill. */
  readonly gapMs: number;
  /** What the worker gets in addition if a balance runs or an open hangs. */
  readonly signal: 'SIGTERM' | 'SIGKILL' | undefined;
  /** Which thread of the worker is blocked in a write; `pool`: one of libuv's. */
  readonly thread: (typeof THREADS)[number];
}

const THREADS = ['main', 'lane', 'pool'] as const;
const SIGNALS: Readonly<Partial<Record<FaultKind, readonly Drawn['signal'][]>>> = {
  balance: [undefined, 'SIGTERM', 'SIGKILL'],
  'open-hangs': [undefined, 'SIGTERM'],
};

/** A whole run on two cores without its window, from the start of its process; a little more. */
const RUN_MS = 800;
/** The same from the start of its guardian. */
const GUARDED_MS = 120;
const LATENCY_MS = 120;
/** From the message that all is armed to the last FIFREEZE; from the answers to the end of the thaw. */
const FREEZE_MS = 12;
const THAW_MS = 20;
const LONGEST_STOP_MS = 1_500;
/** Share of the moments drawn over the whole run; of the others each stage of the window gets a third. */
const ANYWHERE_SHARE = 0.25;

/** Draws a round. The same sequence of numbers gives the same round. */
export function drawRound(random: Random, kinds: readonly FaultKind[] = FAULT_KINDS): Drawn {
  const kind = oneOf(random, kinds) ?? 'kill-worker';
  const latencyMs = Math.round(random() * LATENCY_MS);
  const mayLast = kind === 'stop-worker' || kind === 'freeze-group';
  const untilWritable = mayLast && random() < 0.5;
  const lastsMs = untilWritable ? undefined : random() * LONGEST_STOP_MS;
  const gapMs = random() < 0.5 ? 0 : random() * 3;
  const moment = drawMoment(random, kind, latencyMs);
  const signal = oneOf(random, SIGNALS[kind] ?? [undefined]);
  const thread = oneOf(random, THREADS) ?? 'main';
  return { kind, latencyMs, ...moment, lastsMs, gapMs, signal, thread };
}

function oneOf<Value>(random: Random, values: readonly Value[]): Value | undefined {
  return values[Math.floor(random() * values.length)];
}

/** Whether the guardian is among what it is done to: then there must be one. */
export function isAboutGuardian(kind: FaultKind): boolean {
  return kind.includes('guardian') || killsBoth(kind);
}

function drawMoment(
  random: Random,
  kind: FaultKind,
  latencyMs: number,
): Pick<Drawn, 'from' | 'delayMs'> {
  if (random() < ANYWHERE_SHARE) {
    const lengthMs = (isAboutGuardian(kind) ? GUARDED_MS : RUN_MS) + latencyMs;
    return { from: 'start', delayMs: random() * lengthMs };
  }
  const stages = [
    [0, FREEZE_MS],
    [0, latencyMs],
    [latencyMs + 2, latencyMs + 2 + THAW_MS],
  ] as const;
  const [least, most] = stages[Math.floor(random() * stages.length)] ?? stages[0];
  return { from: 'arm', delayMs: least + random() * (most - least) };
}
