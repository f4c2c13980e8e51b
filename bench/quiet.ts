import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** CPU time of the whole machine since its start, as far as it was not idle; in ms, by clock ticks. */
export function machineBusyMs(): number {
  const [, user, nice, system, , , irq, softirq, steal] = (
    readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .map(Number);
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((sum, it) => sum + (it ?? 0), 0) *
    TICK_MS
  );
}

/** USER_HZ is 100 on every architecture that counts. */
const TICK_MS = 10;
const LOOK_MS = 300;
const PATIENCE_MS = 30_000;

/**
 * Waits until the machine uses no more than this share of its processors, at most half a minute: what
 * others do there disturbs a measurement, and mostly does not last.
 */
export async function untilQuiet(busyShare: number): Promise<void> {
  const patientUntil = performance.now() + PATIENCE_MS;
  while (performance.now() < patientUntil && (await busyShareNow()) > busyShare) {
    // The look itself takes its time.
  }
}

async function busyShareNow(): Promise<number> {
  const before = machineBusyMs();
  const startMs = performance.now();
  await delay(LOOK_MS);
  return (machineBusyMs() - before) / ((performance.now() - startMs) * availableParallelism());
}

/** CPU time of one process and its threads, in ms, by clock ticks. 0 if it has ended. */
export function processBusyMs(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // After the name, which may hold anything: state is field 0, utime 11, stime 12.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return 0;
  }
}
