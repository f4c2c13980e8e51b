/**
 * Stands beside the lab: in its mount and network namespaces, but outside its pid namespace.
 *   supervisor.ts <lifetime in seconds> <command> [<argument>...]
 * Starts the command in the lab and ends with its exit code, after everything in the lab has been
 * killed, thawed, unmounted and detached. Descriptor 3 leads to the process outside (control.ts);
 * its end means that the process outside has died. Descriptor 4 is only held open: grace-periods.sh outlives it.
 * A process blocked by a frozen file system cannot be killed, so thawing and killing go together.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { FORWARDED, READY } from './control.ts';
import { LAB_TLS } from './lab-paths.ts';
import { HAS_LAB_OUTPUT, LAB_OUTPUT } from './namespace.ts';
import { signalProcess } from './processes.ts';
import { DiskRemoval, MountTable } from './removal.ts';
import { SYSTEM_PATH } from './requirements.ts';
import { runCommand } from './run-command.ts';
import { createLabCertificates } from './tls.ts';

/** The lab's first process and the command it runs, as numbered outside the lab. */
interface Members {
  readonly init: number;
  readonly command: number;
}

const [lifetimeSeconds = '', ...command] = process.argv.slice(2);
/** Named pipe on which init.sh says who is who. */
const INIT_REPORT = '/lab/init';
for (const signal of FORWARDED) {
  // Only the process outside says when the lab ends.
  process.on(signal, () => {});
}
process.env.PATH = SYSTEM_PATH;
process.exitCode = await supervise();
process.exit();

async function supervise(): Promise<number> {
  using mounts = new MountTable();
  await Promise.all([createLabCertificates(), runCommand('mkfifo', [INIT_REPORT])]);
  const child = spawn(
    'unshare',
    [
      ...['--pid', '--fork', '--kill-child'],
      ...['sh', join(import.meta.dirname, 'init.sh'), INIT_REPORT, ...command],
    ],
    {
      stdio: [
        ...(['inherit', 'inherit', 'inherit'] as const),
        ...(HAS_LAB_OUTPUT in process.env ? (['ignore', 'ignore', LAB_OUTPUT] as const) : []),
      ],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: LAB_TLS.caCertificate },
    },
  );
  const exited = once(child, 'exit').then(([code]: unknown[]) => Number(code ?? 128));
  const { members, ended } = followInit();
  const forced = obeyOutside(members);
  await Promise.race([exited, ended, forced]);
  const removal = new DiskRemoval(mounts);
  await removal.thawUntil(exited);
  await removal.remove();
  return exited;
}

/**
 * `ended` settles when the lab's first process is exiting, also while its children cannot: then the
 * kernel has closed its end of the pipe. A named one, because unshare(1) would keep another open.
 */
function followInit(): { members: Promise<Members>; ended: Promise<unknown> } {
  // Without waiting for a writer, which does not come if unshare(1) fails.
  const descriptor = openSync(INIT_REPORT, constants.O_RDONLY | constants.O_NONBLOCK);
  const report = new Socket({ fd: descriptor, readable: true, writable: false });
  const members = once(report, 'data').then(([line]: unknown[]) => {
    const [init = 0, command = 0] = String(line).trim().split(' ').map(Number);
    return { init, command };
  });
  return { members, ended: once(report, 'end') };
}

/** Resolves when the command has been killed, because its time was over or the outside ended. */
async function obeyOutside(members: Promise<Members>): Promise<void> {
  const { init, command } = await members;
  const outside = new Socket({ fd: 3 });
  outside.on('data', (text: Buffer) => {
    for (const signal of FORWARDED.filter((name) => text.includes(name))) {
      signalProcess(command, signal);
    }
  });
  outside.on('error', () => {}); // The end of it follows.
  outside.write(`${READY} ${init}\n`);
  const { promise: expired, resolve: expire } = Promise.withResolvers<void>();
  setTimeout(expire, Number(lifetimeSeconds) * 1000).unref();
  await Promise.race([once(outside, 'close'), expired]);
  if (!outside.destroyed) {
    process.stderr.write(`The lab was ended by force after ${lifetimeSeconds} s.\n`);
  }
  signalProcess(command, 'SIGKILL');
}
