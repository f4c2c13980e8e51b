import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlGroup } from '../../src/lab/control-group.ts';
import { guardianOf } from '../../test/faults/processes.ts';
import type { RunningCommand } from '../../test/faults/running-command.ts';
import { blocksWrite, type Drawn, type FaultKind, isAboutGuardian } from './draw.ts';
import type { Surroundings } from './surroundings.ts';

/** A fault that has been carried out. */
export interface Strike {
  /** CLOCK_MONOTONIC, right before it. */
  readonly atNs: bigint;
  /** Whether the run had come to its window; before that nothing is frozen, however long a write takes. */
  readonly isArmed: boolean;
  /** Sets a stopped process going again. */
  readonly resume: () => void;
}

const POLL_MS = 2;
/** For a write to come to a halt; the freeze begins some 25 ms after the message that all is armed. */
const BLOCKED_LIMIT_MS = 40;
/** What a command says right before its window. */
const ARMING = 'arm the guardian';

/**
 * Waits for the drawn moment and strikes; undefined if the command had ended before.
 *
 * @param group of the command, if the fault is about that
 * @param surroundings of the round, if it is about them
 */
export async function strike(
  command: RunningCommand,
  drawn: Drawn,
  group: ControlGroup | undefined,
  surroundings: Surroundings | undefined,
): Promise<Strike | undefined> {
  const guardian = await momentOf(command, drawn);
  if (!command.isRunning) {
    return undefined;
  }
  const isArmed = command.stderr.includes(ARMING);
  if (blocksWrite(drawn.kind)) {
    await blockWrite(command);
    await pause(drawn.gapMs);
  }
  const atNs = process.hrtime.bigint();
  switch (drawn.kind) {
    case 'kill-worker':
    case 'blocked-write':
      command.signal('SIGKILL');
      break;
    case 'stop-worker':
      command.signal('SIGSTOP');
      return { atNs, isArmed, resume: () => command.signal('SIGCONT') };
    case 'busy-loop':
    case 'busy-lane':
    case 'crash-lane':
      command.signal('SIGUSR2');
      break;
    case 'kill-guardian':
      send(guardian, 'SIGKILL');
      break;
    case 'stop-guardian':
      send(guardian, 'SIGSTOP');
      break;
    case 'kill-worker-then-guardian':
      command.signal('SIGKILL');
      await pause(drawn.gapMs);
      send(guardian, 'SIGKILL');
      break;
    case 'blocked-write-both-killed':
      // Stopped first, so that it cannot thaw between the two deaths.
      send(guardian, 'SIGSTOP');
      command.signal('SIGKILL');
      send(guardian, 'SIGKILL');
      break;
    case 'crash-worker':
    case 'crash-worker-no-dump':
      command.signal('SIGSEGV');
      break;
    case 'restart-daemon':
    case 'balance':
    case 'open-hangs':
      surroundings?.strike?.();
      if (drawn.signal !== undefined) {
        command.signal(drawn.signal);
      }
      break;
    case 'kill-group':
      group?.write('cgroup.kill', '1');
      break;
    case 'freeze-group':
      group?.write('cgroup.freeze', '1');
      return { atNs, isArmed, resume: () => group?.write('cgroup.freeze', '0') };
    case 'kill-guardian-then-worker':
      send(guardian, 'SIGKILL');
      await pause(drawn.gapMs);
      command.signal('SIGKILL');
      break;
  }
  return { atNs, isArmed, resume: () => {} };
}

/** Resolves at the moment, and to the guardian's process if the fault is about it. */
async function momentOf(
  command: RunningCommand,
  { kind, from, delayMs, signal }: Drawn,
): Promise<number | undefined> {
  if (from === 'arm') {
    await saidOrEnded(command, ARMING);
  } else if (isSabotage(kind) || signal === 'SIGTERM') {
    // Before that the signal would kill it.
    await saidOrEnded(command, 'prepare');
  }
  const guardian = isAboutGuardian(kind) ? await guardianStarted(command) : undefined;
  const dueMs = performance.now() + delayMs;
  const sleeping = delay(Math.max(0, delayMs - 1), undefined, { ref: false });
  await Promise.race([sleeping, command.exited]);
  await pause(Math.max(0, Math.min(1, dueMs - performance.now())));
  return guardian;
}

/** Timers are coarser than a freeze is long. */
async function pause(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    // Too short to do anything else.
  }
}

async function saidOrEnded(command: RunningCommand, words: string): Promise<void> {
  await command.said(words).catch(() => {});
}

/** Carried out inside the process, by fixtures/saboteur.ts. */
export function isSabotage(kind: FaultKind): boolean {
  const isOfThread = kind === 'busy-loop' || kind === 'busy-lane' || kind === 'crash-lane';
  return isOfThread || blocksWrite(kind);
}

/** Lets it write again and again until a write waits for a thaw; gives up if nothing is frozen. */
async function blockWrite(command: RunningCommand): Promise<void> {
  const end = performance.now() + BLOCKED_LIMIT_MS;
  while (performance.now() < end && !waitsForThaw(command.pid)) {
    command.signal('SIGUSR2');
    await delay(POLL_MS);
  }
}

/** Whether one of its threads is blocked in a write to a frozen file system. */
export function waitsForThaw(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some(
      (thread) => readFileSync(`/proc/${pid}/task/${thread}/wchan`, 'utf8') === 'percpu_rwsem_wait',
    );
  } catch {
    return false; // Gone meanwhile.
  }
}

async function guardianStarted(command: RunningCommand): Promise<number | undefined> {
  let guardian = guardianOf(command.pid);
  while (guardian === undefined && command.isRunning) {
    await delay(POLL_MS);
    guardian = guardianOf(command.pid);
  }
  return guardian;
}

function send(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) {
      process.kill(pid, signal);
    }
  } catch {
    // It has ended already.
  }
}
