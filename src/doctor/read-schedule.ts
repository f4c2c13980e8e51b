import type { NextRun } from './doctor-types.ts';
import { outputOf } from './run-program.ts';

/** What `systemctl` is asked: the next start of each loaded timer that is named after flashfreeze. */
export const SHOW_TIMERS: readonly string[] = [
  ...['show', 'flashfreeze*.timer', '--property=Id', '--property=NextElapseUSecRealtime'],
];

/** The next start of a timer of systemd that is named after flashfreeze; undefined if there is none. */
export async function readNextRun(): Promise<NextRun | undefined> {
  const shown = await outputOf('systemctl', SHOW_TIMERS);
  return nextRunIn(shown ?? '');
}

/** The earliest start in what `systemctl show` prints: a paragraph for each timer. Pure. */
export function nextRunIn(shown: string): NextRun | undefined {
  const runs = shown.split(/\n{2,}/).flatMap((paragraph): NextRun[] => {
    const id = /^Id=(.+)$/m.exec(paragraph)?.[1];
    // `Sun 2026-11-29 12:00:00 UTC`; the day of the week is left out.
    const time = /^NextElapseUSecRealtime=\w+ (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC$/m.exec(
      paragraph,
    );
    const at = new Date(`${time?.[1]}T${time?.[2]}Z`);
    return id === undefined || Number.isNaN(at.getTime()) ? [] : [{ at, by: id }];
  });
  return runs.sort((a, b) => a.at.getTime() - b.at.getTime())[0];
}
