import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { FORWARDED, READY } from './control.ts';
import { KeptGracePeriods } from './grace-periods.ts';
import { mountedFileSystems, mountPointsToCover } from './mounts.ts';
import { type OptionalCommand, requireLabCommands, SYSTEM_PATH } from './requirements.ts';

export interface LabOptions {
  /** After this the lab is ended by force; for what hangs. */
  readonly lifetimeSeconds?: number;
  /** Commands that only some tests need. */
  readonly commands?: readonly OptionalCommand[];
  /** An open file of the machine that the script inside may write to: what it writes elsewhere is gone with the lab. */
  readonly output?: number | undefined;
}

/** Inside the lab, the descriptor of `LabOptions.output`. */
export const LAB_OUTPUT = 5;
/** Tells the supervisor that there is one. */
export const HAS_LAB_OUTPUT = 'FLASHFREEZE_LAB_OUTPUT';

export const DEFAULT_LIFETIME_SECONDS = 3600;
/** Source of the root mount in the lab, as mountinfo shows it. */
const LAB_ROOT_SOURCE = 'flashfreeze-lab';

/**
 * To be called first in a script. Outside the lab it runs the same script again inside, with the
 * same arguments and standard streams, and exits with its exit code: it does not return. Inside it
 * returns at once.
 *
 * Inside there is no file system of the machine's that could be frozen, nothing that is written
 * reaches the machine, the network is loopback alone, and NODE_EXTRA_CA_CERTS names the lab's own
 * certificate authority. When the script ends, is killed or outlives its time, everything it left
 * behind is thawed, killed, unmounted and detached, by a process that stands outside.
 *
 * Throws FF_NOT_ROOT, and FF_LAB_UNAVAILABLE if the machine cannot hold a lab.
 */
export async function enterLab(options: LabOptions = {}): Promise<void> {
  if (isInsideLab()) {
    return;
  }
  if (process.getuid?.() !== 0) {
    throw new FlashfreezeError('FF_NOT_ROOT', 'The lab mounts file systems: run this as root.');
  }
  await requireLabCommands(options.commands);
  process.exit(await runInLab(options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS, options.output));
}

export function isInsideLab(): boolean {
  return mountedFileSystems().some(
    ({ mountPoint, source }) => mountPoint === '/' && source === LAB_ROOT_SOURCE,
  );
}

async function runInLab(lifetimeSeconds: number, output: number | undefined): Promise<number> {
  await using gracePeriods = await KeptGracePeriods.begin();
  const child = spawn('unshare', labArguments(lifetimeSeconds), {
    // A session of its own, so that Ctrl-C reaches the lab only once, through this process.
    detached: true,
    stdio: [
      ...(['inherit', 'inherit', 'inherit', 'pipe'] as const),
      ...[gracePeriods.alive, ...(output === undefined ? [] : [output])],
    ],
    env: {
      ...process.env,
      PATH: SYSTEM_PATH,
      ...(output === undefined ? {} : { [HAS_LAB_OUTPUT]: '1' }),
    },
  });
  const supervisor = child.stdio[3] as Duplex;
  let said = '';
  let running: RunningLab | 'ended' | undefined;
  supervisor.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    running ??= holdLab(said, child.pid);
  });
  // It is gone; the exit code says why.
  supervisor.on('error', () => {});
  for (const signal of FORWARDED) {
    process.on(signal, () => supervisor.write(`${signal}\n`));
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (running === undefined) {
    const reason = said === '' ? 'unshare(1) and the supervisor must work' : said.trim();
    throw new FlashfreezeError('FF_LAB_UNAVAILABLE', `No lab on this machine: ${reason}.`);
  }
  if (signal !== null) {
    process.stderr.write(`The lab's supervisor was ended by ${signal}.\n`);
    if (running !== 'ended') {
      await rescue(running);
    }
  }
  return code ?? 1;
}

/** What is needed to end the lab without its supervisor. The descriptors keep its mounts alive. */
interface RunningLab {
  readonly init: string;
  readonly mountNamespace: number;
  readonly mountInfo: number;
}

/** Undefined if the lab has not said that it runs. On a busy machine a short one may have ended before it is heard. */
function holdLab(said: string, supervisor: number | undefined): RunningLab | 'ended' | undefined {
  const init = new RegExp(`^${READY} (\\d+)$`, 'm').exec(said)?.[1];
  if (init === undefined) {
    return undefined;
  }
  try {
    return {
      init,
      mountNamespace: openSync(`/proc/${supervisor}/ns/mnt`, 'r'),
      mountInfo: openSync(`/proc/${supervisor}/mountinfo`, 'r'),
    };
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(errnoOf(error) ?? '')) {
      return 'ended';
    }
    throw error;
  }
}

async function rescue({ init, mountNamespace, mountInfo }: RunningLab): Promise<void> {
  const script = join(import.meta.dirname, 'rescue.ts');
  const child = spawn('nsenter', ['--mount=/proc/self/fd/3', process.execPath, script, init], {
    stdio: ['inherit', 'inherit', 'inherit', mountNamespace, mountInfo],
    env: { ...process.env, PATH: SYSTEM_PATH },
  });
  await once(child, 'close');
}

function labArguments(lifetimeSeconds: number): string[] {
  const script = process.argv[1];
  if (script === undefined) {
    throw new FlashfreezeError('FF_LAB_UNAVAILABLE', 'Only a script can be run in the lab.');
  }
  const here = (name: string): string => join(import.meta.dirname, name);
  const needed = [script, import.meta.dirname, process.execPath, process.cwd(), tmpdir()];
  return [
    ...['--mount', '--net', '--propagation', 'private', '--'],
    ...['sh', here('root.sh'), ...mountPointsToCover(mountedFileSystems(), needed), '--'],
    ...[process.execPath, here('supervisor.ts'), String(lifetimeSeconds)],
    ...[process.execPath, ...process.execArgv, script, ...process.argv.slice(2)],
  ];
}
