import type { FaultRule } from '../../src/lab/blob-server/model.ts';
import type { Random } from '../../src/lab/blob-server/random.ts';

/** What the server does wrong in one run. */
export interface DrawnFault {
  readonly name: string;
  /** `passing`: asking again repairs it; `final`: the snapshot of that disk cannot be had. */
  readonly kind: 'none' | 'passing' | 'final';
  /** Undefined if the server only takes its time, or nothing is wrong. */
  readonly rule: FaultRule | undefined;
  /** Of that disk's snapshot. */
  readonly latencyMs: number | undefined;
  readonly disk: number;
}

type RequestFault = Extract<FaultRule, { at: 'request' }>['fault'];

const PASSING: Readonly<Record<string, RequestFault>> = {
  '503 ServerBusy': { kind: 'status', status: 503, code: 'ServerBusy' },
  '500 InternalError': { kind: 'status', status: 500, code: 'InternalError' },
  'reset before': { kind: 'reset', handled: false },
  'reset after': { kind: 'reset', handled: true },
  'half an answer': { kind: 'half-answer', handled: true, ending: 'close' },
};

const FINAL: Readonly<Record<string, RequestFault>> = {
  garbage: { kind: 'garbage', handled: true },
  'no answer': { kind: 'no-answer', handled: true },
  '409 SnapshotCountExceeded': { kind: 'status', status: 409, code: 'SnapshotCountExceeded' },
};

/** Faults of the preflight's answer, which show when the connection is to be used again. */
const IDLE: Readonly<Record<string, RequestFault>> = {
  'closed while idle': { kind: 'close-idle', afterMs: 5 },
  'keep-alive of 1 s': { kind: 'keep-alive-timeout', seconds: 1 },
};

/** Three runs of five are undisturbed: these say how long the window is. */
const UNDISTURBED_SHARE = 0.6;
const SLOW_SHARE = 0.15;
const FINAL_SHARE = 0.05;
const SLOWEST_MS = 400;

/** Draws what goes wrong in a run, with one disk. The same numbers draw the same. */
export function drawFault(random: Random, disks: number): DrawnFault {
  const disk = Math.floor(random() * disks);
  const nothing = { name: 'none', kind: 'none', rule: undefined, latencyMs: undefined } as const;
  const share = random();
  if (share < UNDISTURBED_SHARE) {
    return { ...nothing, disk };
  }
  if (share < UNDISTURBED_SHARE + SLOW_SHARE) {
    const latencyMs = Math.round(random() * SLOWEST_MS);
    return { ...nothing, name: 'slow disk', kind: 'passing', latencyMs, disk };
  }
  const isFinal = share > 1 - FINAL_SHARE;
  const [name, fault, operation] = pick(random, isFinal);
  const rule: FaultRule = { blob: `disk${disk}`, at: 'request', operation, times: 1, fault };
  return { name, kind: isFinal ? 'final' : 'passing', rule, latencyMs: undefined, disk };
}

function pick(random: Random, isFinal: boolean): [string, RequestFault, 'snapshot' | 'read'] {
  const faults: [string, RequestFault, 'snapshot' | 'read'][] = isFinal
    ? Object.entries(FINAL).map(([name, fault]) => [name, fault, 'snapshot'])
    : [
        ...Object.entries(PASSING).map(([name, fault]): [string, RequestFault, 'snapshot'] => [
          name,
          fault,
          'snapshot',
        ]),
        ...Object.entries(IDLE).map(([name, fault]): [string, RequestFault, 'read'] => [
          name,
          fault,
          'read',
        ]),
      ];
  return (
    faults[Math.floor(random() * faults.length)] ?? [
      'none',
      { kind: 'reset', handled: false },
      'snapshot',
    ]
  );
}
