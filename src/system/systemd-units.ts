import { existsSync } from 'node:fs';

/** Whether systemd is pid 1: sd_booted(3). */
export function isSystemdRunning(): boolean {
  return existsSync('/run/systemd/system');
}

/** What `systemctl show` prints: the properties of each unit, in a paragraph of its own. Pure. */
export function unitsIn(shown: string): Partial<Record<string, string>>[] {
  return shown.split(/\n{2,}/).map((paragraph) =>
    Object.fromEntries(
      paragraph.split('\n').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    ),
  );
}

/**
 * A time of a unit, as systemctl prints it with `LC_ALL=C TZ=UTC`: `Mon 2026-11-30 02:00:00 UTC`. Undefined for `n/a` and
 * what older versions write in its place. Pure.
 */
export function unitTime(text = ''): Date | undefined {
  const [, day, time] =
    /^[A-Z][a-z]{2} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/.exec(text) ?? [];
  return day === undefined ? undefined : new Date(`${day}T${time}Z`);
}
