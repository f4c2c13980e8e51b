import { setTimeout as delay } from 'node:timers/promises';
import { gracePeriods } from '../../bench/faults/remains.ts';
import type { RunningCommand } from './running-command.ts';
import { STRACE_IOCTLS } from './strace.ts';

const POLL_MS = 2;

/**
 * strace(1) that makes each FIFREEZE and FITHAW on these mount points wait before it is made. The
 * command is the child and strace stands beside it, so that signals reach the command.
 */
export function slowly(mountPoints: readonly string[], delayMs: number, log: string): string[] {
  return [
    ...[...STRACE_IOCTLS, '-D', '-o', log],
    ...mountPoints.flatMap((mountPoint) => ['-P', mountPoint]),
    ...['-e', `inject=ioctl:delay_enter=${delayMs * 1_000}`],
  ];
}

/**
 * Resolves when a run has begun to freeze and has not reached its barrier: in between, and only then,
 * grace periods are expedited.
 */
export async function untilFreezing(command: RunningCommand): Promise<void> {
  await command.said('arm the guardian');
  while (gracePeriods() === '0') {
    if (!command.isRunning) {
      throw new Error(`the command ended without having frozen anything:\n${command.stderr}`);
    }
    await delay(POLL_MS);
  }
}
