import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServiceCommand } from './service-command.ts';
import { holderOf, UNIT_MARK } from './unit-holder.ts';

export const UNIT_NAME = 'directsnapshot.service';
const UNIT_DIRECTORY = '/etc/systemd/system';
const TARGET = 'multi-user.target';
const LAUNCHER = '/usr/bin/env';
/**
 * What the machine's owner has set for every service's Node.js is not meant for this one. And before anything
 * else Node.js makes the directory of its compile cache, which blocks while that is frozen: the start
 * of this service has to thaw what a dead service process has left frozen.
 */
const NOT_PASSED_ON = ['NODE_OPTIONS', 'NODE_PATH', 'NODE_COMPILE_CACHE'] as const;
/** Long enough that the load is small if every start fails. */
const RESTART_S = 3;
/** A stop waits for the thaw and what follows it. */
const STOP_LIMIT_S = 90;
const CALL_LIMIT_MS = 120_000;
/** Exit code of `systemctl stop` for a unit that systemd has not loaded: that of LSB's init scripts for "not installed". */
const EXIT_NOT_LOADED = 5;

/**
 * The unit's text (systemd.unit(5), systemd.service(5)). Nothing of it restricts the service: what does that
 * mostly gives it a view of its own of what is mounted, while it has to see and freeze everything.
 */
export function renderUnit({ argv, directory, environment }: ServiceCommand): string {
  return [
    '[Unit]',
    UNIT_MARK,
    // A shutdown stops units in reverse order, so the service can still report to the host.
    'After=network.target',
    // The agent may delete the directory without uninstall: then nothing starts, and nothing fails.
    `ConditionPathExists=${escapeSpecifiers(join(directory, 'HandlerEnvironment.json'))}`,
    '',
    '[Service]',
    // With SELinux, systemd may execute what lies in /usr/bin, but not in /var/lib; what it has executed may:
    // https://github.com/Azure/azure-linux-extensions/issues/1127
    `ExecStart=${LAUNCHER} ${argv.map(argument).join(' ')}`,
    `WorkingDirectory=${escapeSpecifiers(directory)}`,
    ...Object.entries(environment).map(
      ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
    ),
    `UnsetEnvironment=${NOT_PASSED_ON.join(' ')}`,
    'StandardInput=null',
    'StandardOutput=null',
    'StandardError=journal',
    'Restart=on-failure',
    // If the guardian was killed too, the next start thaws what is frozen.
    `RestartSec=${RESTART_S}`,
    // On stop the service thaws in order; a guardian must outlive one that dies while something is frozen.
    'KillMode=process',
    `TimeoutStopSec=${STOP_LIMIT_S}`,
    // A thread or more for each file system here and in the guardian, 208 for 64 of them; small machines, and
    // owners, allow a service a few hundred.
    'TasksMax=infinity',
    '',
    '[Install]',
    `WantedBy=${TARGET}`,
    '',
  ].join('\n');
}

/** The parts of the machine that are used; replaced in tests. */
export interface Systemd {
  readonly unitDirectory: string;
  /** systemctl(1); rejects if it fails. */
  systemctl(...args: readonly string[]): Promise<void>;
}

export const SYSTEMD: Systemd = {
  unitDirectory: UNIT_DIRECTORY,
  systemctl: async (...args) => {
    // Its answer is not needed, and it must not ask for a password.
    const options = { timeout: CALL_LIMIT_MS };
    await promisify(execFile)('systemctl', ['--no-ask-password', '--quiet', ...args], options);
  },
};

/**
 * Starts the unit, and restarts it if its command has changed. May be repeated, also after a call that
 * failed or was interrupted. Takes the place of the unit that the replaced extension has left, but not of that of another extension
 * that is installed.
 *
 * @returns why it was not started; undefined if it was
 */
export async function startUnit(
  command: ServiceCommand,
  { unitDirectory, systemctl }: Systemd = SYSTEMD,
): Promise<string | undefined> {
  const path = join(unitDirectory, UNIT_NAME);
  const holder = await holderOf(path, command.directory);
  if (holder.kind === 'other') {
    return holder.sentence;
  }
  const text = renderUnit(command);
  // `systemctl enable` makes it, as the last step: if it exists, this text has been loaded and run.
  const link = join(unitDirectory, `${TARGET}.wants`, UNIT_NAME);
  const isSame = (await readFile(path, 'utf8').catch(() => '')) === text;
  if (isSame && existsSync(link)) {
    await systemctl('start', UNIT_NAME);
    return undefined;
  }
  await rm(link, { force: true });
  await writeFile(path, text, { mode: 0o644 });
  await systemctl('daemon-reload');
  await systemctl('restart', UNIT_NAME);
  await systemctl('enable', UNIT_NAME);
  return undefined;
}

/** Whether a unit was made that has not been removed; systemd is not asked. */
export function hasUnit({ unitDirectory }: Pick<Systemd, 'unitDirectory'> = SYSTEMD): boolean {
  return existsSync(join(unitDirectory, UNIT_NAME));
}

/**
 * Stops the unit, waits for its end, and removes it. May be repeated. A unit of another extension that is installed stays, and runs on.
 *
 * @param directory of this extension
 * @param alsoLeft whether the unit that the replaced extension has left is removed, too
 * @returns why it was left alone; undefined if it was not
 */
export async function stopUnit(
  directory: string,
  alsoLeft: boolean,
  systemd: Systemd = SYSTEMD,
): Promise<string | undefined> {
  const { unitDirectory, systemctl } = systemd;
  const holder = await holderOf(join(unitDirectory, UNIT_NAME), directory);
  if (holder.kind === 'other' || (holder.kind === 'left' && !alsoLeft)) {
    return holder.sentence;
  }
  if (holder.kind !== 'none') {
    // Before the file is removed: without it, systemd would stop the service without regard to KillMode.
    await systemctl('disable', '--now', UNIT_NAME);
    await rm(join(unitDirectory, UNIT_NAME), { force: true });
    await systemctl('daemon-reload');
  }
  // A start that was under way can have started the unit once more, as long as systemd still had it loaded.
  await systemctl('stop', UNIT_NAME).catch((error: unknown) => {
    if (!isNotLoaded(error)) {
      throw error;
    }
  });
  // Fails if the unit did not fail, because there is nothing to reset.
  await systemctl('reset-failed', UNIT_NAME).catch(() => {});
  return undefined;
}

/** Whether systemctl ended because systemd does not know the unit. */
function isNotLoaded(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === EXIT_NOT_LOADED;
}

/** A word of a command line (systemd.service(5), Command lines), where `$` begins a variable. */
function argument(word: string): string {
  return quoted(word).replaceAll('$', '$$$$');
}

/** systemd.syntax(7), Quoting; specifiers. In `Environment=` there are no variables. */
function quoted(word: string): string {
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
  return `"${escapeSpecifiers(escaped)}"`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}
