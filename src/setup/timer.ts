import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { writeWhole } from '../system/replace-file.ts';
import { isSystemdRunning } from '../system/systemd-units.ts';
import { commandLink, type Places, timerPaths } from './places.ts';
import type { SetupTimer } from './record.ts';
import {
  minuteOf,
  NAMED_SCHEDULES,
  renderCron,
  renderService,
  renderTimer,
  SERVICE_NAME,
  TIMER_NAME,
} from './schedule.ts';

const CALL_LIMIT_MS = 120_000;

/** The parts of the machine that are used; replaced in tests. */
export interface Schedulers {
  readonly hasSystemd: boolean;
  /** Runs a program of systemd’s and resolves to its standard output; rejects if it fails. */
  run(program: 'systemctl' | 'systemd-analyze', args: readonly string[]): Promise<string>;
}

export const SCHEDULERS: Schedulers = {
  hasSystemd: isSystemdRunning(),
  run: async (program, args) => {
    const { stdout } = await promisify(execFile)(program, args, { timeout: CALL_LIMIT_MS });
    return stdout;
  },
};

/**
 * Finds out whether a schedule can be kept on this machine, and by what. Changes nothing.
 *
 * @throws FlashfreezeError FF_USAGE, FF_SETUP_FAILED
 */
export async function timerFor(
  schedule: string,
  places: Places,
  { hasSystemd, run }: Schedulers,
): Promise<SetupTimer> {
  if (hasSystemd) {
    await requireExpression(schedule, run);
    return { schedule, by: 'systemd' };
  }
  const line = renderCron(schedule, commandLink(places), 0);
  if (line === undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--timer ${schedule}: expected ${NAMED_SCHEDULES.join(', ')} or off, because this machine does not run systemd, and cron knows no other schedule; for another one, write the line into /etc/cron.d yourself`,
    );
  }
  if (!existsSync(dirname(timerPaths(places).cron))) {
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `this machine runs no systemd and has no ${dirname(timerPaths(places).cron)}; let its scheduler run: ${commandOf(line)}`,
    );
  }
  return { schedule, by: 'cron' };
}

function commandOf(cron: string): string {
  return /root (.*)\n$/.exec(cron)?.[1] ?? '';
}

async function requireExpression(schedule: string, run: Schedulers['run']): Promise<void> {
  const isOneLine = /^[^\n\r%]+$/.test(schedule);
  const problem = isOneLine
    ? await run('systemd-analyze', ['calendar', '--', schedule]).then(() => undefined, reasonIn)
    : 'more than one line, or a percent sign';
  if (problem !== undefined) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--timer ${schedule === '' ? '(empty)' : schedule}: expected ${NAMED_SCHEDULES.join(', ')}, off or a time as OnCalendar= of systemd.time(7) has it, e.g. 'Mon..Fri 02:30' (${problem})`,
    );
  }
}

function reasonIn(error: unknown): string {
  const said = (error as { readonly stderr?: unknown }).stderr;
  const text = typeof said === 'string' ? said.trim().split('\n')[0] : '';
  return text || errnoOf(error) || String(error);
}

/** Files of a timer. */
export function filesOf({ by }: SetupTimer, places: Places): string[] {
  const { service, timer, cron } = timerPaths(places);
  return by === 'cron' ? [cron] : [service, timer];
}

/**
 * Writes a timer’s files and starts it. May be repeated; a run that goes on is not disturbed.
 *
 * @param isKept it was there before and this call did not ask for it: if the operator has disabled it, it stays so
 */
export async function putTimer(
  wanted: SetupTimer,
  places: Places,
  { run, hasSystemd }: Schedulers,
  isKept = false,
): Promise<void> {
  const { schedule, by } = wanted;
  const { service, timer, cron } = timerPaths(places);
  if (by === 'cron') {
    const text = renderCron(schedule, commandLink(places), minuteOf(await machineId(places)));
    await put(cron, text ?? '');
    return;
  }
  const isOn = !isKept || (hasSystemd && (await isEnabled(run)));
  const changes = [
    await put(service, renderService(commandLink(places))),
    await put(timer, renderTimer(schedule)),
  ];
  const isChanged = changes.includes(true);
  if (hasSystemd) {
    await systemctl(run, 'daemon-reload');
  }
  // In a chroot, the timer is as it was after the next boot.
  if (!isOn) {
    return;
  }
  await systemctl(run, 'enable', '--quiet', TIMER_NAME);
  // A timer that runs reads its schedule only when it is started.
  await systemctl(run, isChanged ? 'restart' : 'start', TIMER_NAME);
}

async function isEnabled(run: Schedulers['run']): Promise<boolean> {
  return await run('systemctl', ['is-enabled', '--quiet', TIMER_NAME]).then(
    () => true,
    () => false,
  );
}

async function systemctl(run: Schedulers['run'], ...args: readonly string[]): Promise<void> {
  try {
    await run('systemctl', args);
  } catch (error) {
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `systemctl ${args.join(' ')} failed (${reasonIn(error)}); correct this and run setup again`,
    );
  }
}

async function put(path: string, text: string): Promise<boolean> {
  if ((await readFile(path, 'utf8').catch(() => '')) === text) {
    return false;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeWhole(path, text, { mode: 0o644 });
  return true;
}

async function machineId({ etc }: Places): Promise<string> {
  return await readFile(`${etc}/machine-id`, 'utf8').catch(() => '');
}

/** Holds a timer back, so that no run begins; undone by `resumeTimer`. */
export async function pauseTimer(
  timer: SetupTimer | undefined,
  { run }: Schedulers,
): Promise<void> {
  if (timer?.by === 'systemd') {
    await run('systemctl', ['stop', TIMER_NAME]).catch(() => '');
  }
}

export async function resumeTimer(
  timer: SetupTimer | undefined,
  { run }: Schedulers,
): Promise<void> {
  if (timer?.by === 'systemd') {
    await run('systemctl', ['start', TIMER_NAME]).catch(() => '');
  }
}

/**
 * Ends a timer and removes its files. May be repeated. A service whose file goes while it runs would lose its settings.
 *
 * @returns what was removed
 * @throws FlashfreezeError FF_SETUP_BUSY while the service runs; nothing is changed then
 */
export async function removeTimer(
  timer: SetupTimer,
  places: Places,
  schedulers: Schedulers,
): Promise<string[]> {
  const files = filesOf(timer, places).filter((path) => existsSync(path));
  const isKnown = timer.by === 'systemd' && schedulers.hasSystemd;
  if (isKnown && files.length > 0) {
    await requireNoRun(timer, schedulers);
    await systemctl(schedulers.run, 'disable', '--quiet', '--now', TIMER_NAME);
  }
  const { stamp, wish } = timerPaths(places);
  for (const path of [...files, stamp, wish]) {
    await rm(path, { force: true });
  }
  if (isKnown) {
    await systemctl(schedulers.run, 'daemon-reload');
    // Fails if the unit did not fail, because there is nothing to reset.
    await schedulers.run('systemctl', ['reset-failed', SERVICE_NAME]).catch(() => '');
  }
  return files;
}

async function requireNoRun(timer: SetupTimer, schedulers: Schedulers): Promise<void> {
  await pauseTimer(timer, schedulers);
  const argv = ['show', '--property=ActiveState', '--value', SERVICE_NAME];
  const state = (await schedulers.run('systemctl', argv).catch(() => '')).trim();
  if (state === 'activating' || state === 'deactivating') {
    await resumeTimer(timer, schedulers);
    throw new FlashfreezeError(
      'FF_SETUP_BUSY',
      `${SERVICE_NAME} is running; wait until it has ended, then run this again`,
    );
  }
}

/** When the timer runs next, as systemd prints it; undefined if that is not known. */
export async function nextRun(
  { by }: SetupTimer,
  { run }: Schedulers,
): Promise<string | undefined> {
  if (by === 'cron') {
    return undefined;
  }
  const argv = ['show', '--property=NextElapseUSecRealtime', '--value', TIMER_NAME];
  const time = await run('systemctl', argv).catch(() => '');
  return time.trim() || undefined;
}
