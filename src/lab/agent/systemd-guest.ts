import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandResult, runCommand } from '../run-command.ts';
import { GUEST_PATH, type Guest } from './guest.ts';
import type { GuestKind } from './guest-kind.ts';

const REPEAT_MS = 20;
/** Against hangs only. */
const BOOT_LIMIT_MS = 120_000;

/**
 * A guest's first process is systemd, as on a real machine; `systemctl` works in it. What it starts is in
 * a control group of its own, which is below the root of the machine's version 2 hierarchy as long as the
 * guest is on.
 */
export function systemdGuest(): GuestKind {
  const cgroup = `flashfreeze-guest-${randomUUID()}`;
  const script = (name: string): string => join(import.meta.dirname, name);
  return {
    recipe: 'build-systemd-image.sh',
    bootArguments: (rootAndMoves) => [
      ...['--uts', '--ipc', '--', 'sh', script('own-cgroup.sh'), cgroup],
      ...['sh', script('boot-systemd-guest.sh'), ...rootAndMoves],
    ],
    up: hasBooted,
    isPart: ({ commandLine }) => /^(\/usr)?\/lib\/systemd\//.test(commandLine[0] ?? ''),
    down: async () => {
      await runCommand('unshare', [
        ...['--mount', '--propagation', 'private', '--', 'sh', script('remove-cgroup.sh'), cgroup],
      ]);
    },
  };
}

/** Rejects, naming the units that failed, if not all that is wanted at boot is there. */
async function hasBooted(guest: Guest): Promise<void> {
  const deadline = Date.now() + BOOT_LIMIT_MS;
  while (!existsSync(`${guest.liveRoot}/run/systemd/private`)) {
    if (Date.now() > deadline) {
      throw new Error(`systemd does not answer within ${BOOT_LIMIT_MS} ms in the guest`);
    }
    await delay(REPEAT_MS);
  }
  const { stdout } = await inGuest(guest, ['systemctl', 'is-system-running', '--wait']);
  if (stdout.trim() !== 'running') {
    const failed = await inGuest(guest, ['systemctl', 'list-units', '--failed', '--no-legend']);
    throw new Error(`the guest's systemd is ${stdout.trim()}: ${failed.stdout.trim()}`);
  }
}

/** Runs a program of the guest's to its end, whatever the exit code. */
export async function inGuest(guest: Guest, argv: readonly string[]): Promise<CommandResult> {
  const child = guest.spawn(argv, {
    directory: '/',
    environment: { PATH: GUEST_PATH, SYSTEMD_PAGER: '', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    throw new Error('no pipes');
  }
  const [[code], ...texts] = await Promise.all([
    once(child, 'exit') as Promise<[number | null]>,
    text(stdout),
    text(stderr),
  ]);
  const [out, err] = texts;
  return { code: code ?? 128, stdout: out, stderr: err };
}
