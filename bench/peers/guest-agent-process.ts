/**
 * What a hypervisor does with qemu-guest-agent: reads a PeerRequest on standard input, has the agent
 * freeze everything, has all snapshots made at once, has the agent thaw. Prints nothing.
 *
 * The agent freezes every file system it finds mounted, so this runs only where these are exactly
 * those of the request: in the lab.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { mountedFileSystems } from '../../src/lab/mounts.ts';
import { isInsideLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { GuestAgentSocket } from './guest-agent-socket.ts';
import type { PeerRequest } from './peer-request.ts';
import { CURL_AT_ONCE, curlConfiguration } from './snapshot-requests.ts';

const END_LIMIT_MS = 3_000;

/** btrfs shows a device number without a device; so do overlays, proc and the like. */
function refuseOtherDisks(mountPoints: readonly string[]): void {
  const foreign = mountedFileSystems()
    .filter(({ device, type }) => type === 'btrfs' || !device.startsWith('0:'))
    .map(({ mountPoint }) => mountPoint)
    .filter((mounted) => !mountPoints.includes(mounted));
  if (!isInsideLab() || foreign.length > 0) {
    throw new Error(`the guest agent would freeze more than asked for: ${foreign.join(', ')}`);
  }
}

async function freezeAndThaw(agent: GuestAgentSocket, request: PeerRequest): Promise<void> {
  const requests = curlConfiguration(request.urls, request.caPath);
  const frozen = await agent.execute('guest-fsfreeze-freeze');
  try {
    if (frozen !== request.mountPoints.length) {
      throw new Error(`the agent froze ${frozen} of ${request.mountPoints.length} file systems`);
    }
    await runCommand('curl', [...CURL_AT_ONCE, '--config', '-'], requests);
  } finally {
    await agent.execute('guest-fsfreeze-thaw');
  }
}

const request = JSON.parse(await text(process.stdin)) as PeerRequest;
refuseOtherDisks(request.mountPoints);
const directory = await mkdtemp('/run/guest-agent-');
const path = join(directory, 'agent.sock');
const daemon = spawn(
  'qemu-ga',
  [
    '--method=unix-listen',
    `--path=${path}`,
    `--statedir=${directory}`,
    `--pidfile=${directory}/pid`,
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
const ended = once(daemon, 'exit');
try {
  using agent = await GuestAgentSocket.connect(path, ended);
  await freezeAndThaw(agent, request);
} finally {
  // Where it is frozen all the same, the agent thaws before it ends; one that is stuck never does.
  daemon.kill('SIGTERM');
  const kill = setTimeout(() => daemon.kill('SIGKILL'), END_LIMIT_MS);
  await ended;
  clearTimeout(kill);
  await rm(directory, { recursive: true, force: true });
}
