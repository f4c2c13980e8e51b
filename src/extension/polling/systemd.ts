import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServiceCommand } from './service-command.ts';

export const UNIT_NAME = 'directsnapshot.service';
const UNIT_DIRECTORY = '/etc/systemd/system';
/** A stop waits for the thaw and what follows it. */
const STOP_LIMIT_S = 90;
const CALL_LIMIT_MS = 120_000;

/** Whether systemd is pid 1: sd_booted(3). */
export function isSystemdRunning(): boolean {
  return existsSync('/run/systemd/system');
}

/**
 * The unit's text. A directory that the agent deletes without uninstall leaves a unit that does not
 * start. On stop only the service itself is signalled: it thaws in order, and its guardian watches.
 */
export function renderUnit({ argv, directory, environment }: ServiceCommand): string {
  return [
    '[Unit]',
    'Description=Snapshots of this machine that its host asks for (flashfreeze)',
    'After=network.target',
    `ConditionPathExists=${escapeSpecifiers(directory)}`,
    '',
    '[Service]',
    `ExecStart=${argv.map(quoted).join(' ')}`,
    `WorkingDirectory=${escapeSpecifiers(directory)}`,
    ...Object.entries(environment).map(
      ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
    ),
    'StandardInput=null',
    'StandardOutput=null',
    'StandardError=journal',
    'Restart=on-failure',
    'RestartSec=10',
    // The guardian must outlive a service that dies while something is frozen; it ends by itself.
    'KillMode=process',
    `TimeoutStopSec=${STOP_LIMIT_S}`,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** What of the machine is used; replaced in tests. */
export interface Systemd {
  readonly unitDirectory: string;
  /** systemctl(1); rejects where it fails. */
  systemctl(...args: readonly string[]): Promise<void>;
}

export const SYSTEMD: Systemd = {
  unitDirectory: UNIT_DIRECTORY,
  systemctl: async (...args) => {
    // Nothing of its answer is of interest, and nobody may be asked for a password.
    const options = { timeout: CALL_LIMIT_MS };
    await promisify(execFile)('systemctl', ['--no-ask-password', '--quiet', ...args], options);
  },
};

/** Starts the unit, and starts it anew where it is another command now. May be repeated. */
export async function startUnit(
  command: ServiceCommand,
  { unitDirectory, systemctl }: Systemd = SYSTEMD,
): Promise<void> {
  const path = join(unitDirectory, UNIT_NAME);
  const text = renderUnit(command);
  const isSame = (await readFile(path, 'utf8').catch(() => '')) === text;
  if (!isSame) {
    await writeFile(path, text, { mode: 0o644 });
    await systemctl('daemon-reload');
    await systemctl('enable', UNIT_NAME);
  }
  await systemctl(isSame ? 'start' : 'restart', UNIT_NAME);
}

/** Stops the unit, waits for its end, and removes it. May be repeated. */
export async function stopUnit({ unitDirectory, systemctl }: Systemd = SYSTEMD): Promise<void> {
  const path = join(unitDirectory, UNIT_NAME);
  if (!existsSync(path)) {
    return;
  }
  await systemctl('disable', '--now', UNIT_NAME);
  await rm(path, { force: true });
  await systemctl('daemon-reload');
  // Of a unit that is in order there is nothing to reset, which counts as a failure.
  await systemctl('reset-failed', UNIT_NAME).catch(() => {});
}

/** systemd.service(5), Command lines: quotes, backslashes, specifiers and variables. */
function quoted(word: string): string {
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('$', '$$$$');
  return `"${escapeSpecifiers(escaped)}"`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%');
}
