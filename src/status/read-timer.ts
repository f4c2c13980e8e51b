import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { TimerFacts } from './judge-status.ts';

/** Units of `flashfreeze setup --timer`. */
export const TIMER = 'flashfreeze-snapshot.timer';
const SERVICE = 'flashfreeze-snapshot.service';

const CALL_LIMIT_MS = 20_000;
const PROPERTIES = [
  ...['Id', 'LoadState', 'ActiveState', 'NextElapseUSecRealtime', 'LastTriggerUSec'],
  ...['Result', 'ExecMainStatus'],
].join();

/** Asks systemd for the timer. Undefined if systemd is not there, does not answer, or has no such timer. */
export async function readTimer(): Promise<TimerFacts | undefined> {
  // sd_booted(3)
  if (!existsSync('/run/systemd/system')) {
    return undefined;
  }
  try {
    const { stdout } = await promisify(execFile)(
      'systemctl',
      ['show', TIMER, SERVICE, `--property=${PROPERTIES}`],
      // systemctl itself writes the times, in its own language and zone.
      { env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' }, timeout: CALL_LIMIT_MS },
    );
    return timerIn(stdout);
  } catch {
    return undefined;
  }
}

/** What `systemctl show` prints of timer and service, a block for each. Pure. */
export function timerIn(text: string): TimerFacts | undefined {
  const blocks = text.split(/\n\n+/).map(propertiesIn);
  const timer = blocks.find((it) => it.Id === TIMER);
  const service = blocks.find((it) => it.Id === SERVICE);
  if (timer === undefined || timer.LoadState === 'not-found') {
    return undefined;
  }
  const { Result: result = 'success', ExecMainStatus: code = '0' } = service ?? {};
  return {
    timer: TIMER,
    isActive: timer.ActiveState === 'active',
    next: timeOf(timer.NextElapseUSecRealtime),
    last: timeOf(timer.LastTriggerUSec),
    failure:
      result === 'success'
        ? undefined
        : { service: SERVICE, result: result === 'exit-code' ? `exit code ${code}` : result },
  };
}

function propertiesIn(block: string): Partial<Record<string, string>> {
  return Object.fromEntries(
    block.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** `Mon 2026-11-30 02:00:00 UTC`; undefined for `n/a` and what older versions write in its place. */
function timeOf(text = ''): Date | undefined {
  const [, day, time] =
    /^[A-Z][a-z]{2} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/.exec(text) ?? [];
  return day === undefined ? undefined : new Date(`${day}T${time}Z`);
}
