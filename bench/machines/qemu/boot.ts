import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TAP } from '../wire.ts';
import { nvmeModels, type QemuOrder, qemuArguments, type SharedFolder } from './arguments.ts';
import { setNvmeModels } from './nvme-models.ts';
import { Qmp } from './qmp.ts';
import { serveRequests } from './requests.ts';

export interface QemuBoot
  extends Pick<QemuOrder, 'machine' | 'stage' | 'kernel' | 'images' | 'consolePath'> {
  readonly shared: readonly (SharedFolder & { readonly isFixed: boolean })[];
  /** For sockets. */
  readonly work: string;
}

export const VIRTIOFSD = '/usr/lib/qemu/virtiofsd';
export const EMULATORS = {
  amd64: 'qemu-system-x86_64',
  arm64: 'qemu-system-aarch64',
} as const;
const LOOK_MS = 50;
/** It is there against hangs: the processor is emulated. */
const BOOT_LIMIT_MS = 2_400_000;

/** Resolves when the machine is off. Rejects when it did not end in time. */
export async function bootQemu(order: QemuBoot): Promise<void> {
  const { machine, stage, consolePath, work } = order;
  await using console = await open(consolePath, 'a');
  const controlPath = join(work, 'control.socket');
  await rm(controlPath, { force: true });
  const shares = new Map<string, string>();
  const children: ChildProcess[] = [];
  try {
    for (const folder of order.shared) {
      const socket = join(work, `${folder.tag}.socket`);
      children.push(await shareFolder(folder, socket, console.fd));
      shares.set(folder.tag, socket);
    }
    const args = qemuArguments({ ...order, controlPath, shares, tap: TAP });
    const qemu = spawn('nice', ['-n', '10', EMULATORS[machine.architecture], ...args], {
      stdio: ['ignore', console.fd, console.fd],
    });
    children.push(qemu);
    const ended = once(qemu, 'close', { signal: AbortSignal.timeout(BOOT_LIMIT_MS) });
    const off = new AbortController();
    const served = serveMachine(qemu, order, controlPath, off.signal);
    await Promise.race([ended, served]);
    await ended;
    off.abort();
    await served;
  } catch (error) {
    throw error instanceof Error && error.name === 'AbortError'
      ? new Error(`${machine.name}: ${stage} did not end in ${BOOT_LIMIT_MS / 1000} s`)
      : error;
  } finally {
    for (const child of children) {
      child.kill('SIGKILL');
    }
  }
}

/** QEMU holds the machine until it is told to start it. Resolves when the machine is off. */
async function serveMachine(
  qemu: ChildProcess,
  { machine, work }: QemuBoot,
  controlPath: string,
  off: AbortSignal,
): Promise<void> {
  using control = await Qmp.connect(controlPath);
  const models = nvmeModels(machine);
  if (models.size > 0 && qemu.pid !== undefined) {
    await setNvmeModels(qemu.pid, models);
  }
  await control.command('cont');
  // By SIGKILL, QEMU has no time to write what is on its way.
  const cut = (): void => void qemu.kill('SIGKILL');
  await serveRequests(join(work, 'share'), { control, cut }, off);
}

/** Resolves when the daemon listens. It ends with the machine. */
async function shareFolder(
  { path, isFixed }: QemuBoot['shared'][number],
  socket: string,
  console: number,
): Promise<ChildProcess> {
  await rm(socket, { force: true });
  const child = spawn(
    VIRTIOFSD,
    [
      ...['-f', `--socket-path=${socket}`, '-o', `source=${path}`, '-o', 'sandbox=chroot'],
      ...['-o', `cache=${isFixed ? 'always' : 'auto'}`, '-o', 'log_level=err'],
    ],
    { stdio: ['ignore', console, console] },
  );
  while (!existsSync(socket)) {
    if (child.exitCode !== null) {
      throw new Error(`virtiofsd for ${path} ended with ${child.exitCode}`);
    }
    await sleep(LOOK_MS);
  }
  return child;
}
