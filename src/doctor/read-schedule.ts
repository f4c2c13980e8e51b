import { outputOf } from '../system/run-program.ts';
import { unitsIn, unitTime } from '../system/systemd-units.ts';
import type { NextRun } from './doctor-types.ts';

/** What `systemctl` is asked: the next start of each loaded timer that is named after flashfreeze. */
export const SHOW_TIMERS: readonly string[] = [
  ...['show', 'flashfreeze*.timer', '--property=Id', '--property=NextElapseUSecRealtime'],
];

/** The next start of a timer of systemd that is named after flashfreeze; undefined if there is none. */
export async function readNextRun(): Promise<NextRun | undefined> {
  const shown = await outputOf('systemctl', SHOW_TIMERS);
  return nextRunIn(shown ?? '');
}

/** The earliest start in what `systemctl show` prints. Pure. */
export function nextRunIn(shown: string): NextRun | undefined {
  const runs = unitsIn(shown).flatMap(({ Id: by, NextElapseUSecRealtime }): NextRun[] => {
    const at = unitTime(NextElapseUSecRealtime);
    return by === undefined || at === undefined ? [] : [{ at, by }];
  });
  return runs.sort((a, b) => a.at.getTime() - b.at.getTime())[0];
}
