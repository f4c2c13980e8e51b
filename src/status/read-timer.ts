import { SERVICE_NAME, TIMER_NAME } from '../setup/schedule.ts';
import { outputOf } from '../system/run-program.ts';
import { isSystemdRunning, unitsIn, unitTime } from '../system/systemd-units.ts';
import type { TimerFacts } from './judge-status.ts';

const CALL_LIMIT_MS = 20_000;
const PROPERTIES = [
  ...['Id', 'LoadState', 'ActiveState', 'NextElapseUSecRealtime', 'LastTriggerUSec'],
  ...['Result', 'ExecMainStatus'],
].join();

/**
 * Asks systemd for the timer of `flashfreeze setup --timer`. Undefined if systemd is not there, does not answer, or has no
 * such timer.
 */
export async function readTimer(): Promise<TimerFacts | undefined> {
  const args = ['show', TIMER_NAME, SERVICE_NAME, `--property=${PROPERTIES}`];
  const shown = isSystemdRunning() ? await outputOf('systemctl', args, CALL_LIMIT_MS) : undefined;
  return shown === undefined ? undefined : timerIn(shown);
}

/** What `systemctl show` prints of timer and service, a block for each. Pure. */
export function timerIn(text: string): TimerFacts | undefined {
  const blocks = unitsIn(text);
  const timer = blocks.find((it) => it.Id === TIMER_NAME);
  const service = blocks.find((it) => it.Id === SERVICE_NAME);
  if (timer === undefined || timer.LoadState === 'not-found') {
    return undefined;
  }
  const { Result: result = 'success', ExecMainStatus: code = '0' } = service ?? {};
  return {
    timer: TIMER_NAME,
    isActive: timer.ActiveState === 'active',
    next: unitTime(timer.NextElapseUSecRealtime),
    last: unitTime(timer.LastTriggerUSec),
    failure:
      result === 'success'
        ? undefined
        : { service: SERVICE_NAME, result: result === 'exit-code' ? `exit code ${code}` : result },
  };
}
