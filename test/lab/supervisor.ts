/**
 * Stands beside the lab: in its mount and network namespaces, but outside its pid namespace.
 *   supervisor.ts <lifetime in seconds> <command> [<argument>...]
 * Starts the command in the lab and ends with its exit code, after everything in the lab has been
 * killed, thawed, unmounted and detached. Descriptor 3 leads to the process outside: lines are
 * names of signals for the command, and its end means that the process outside has died.
 * A process blocked by a frozen file system cannot be killed, so thawing and killing go together.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { LAB_TLS } from './lab-paths.ts';
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
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
for (const signal of FORWARDED) {
  // Only the process outside says when the lab ends.
  process.on(signal, () => {});
}
process.env.PATH = SYSTEM_PATH;
makeUnattractiveToOomKiller();
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
      stdio: 'inherit',
      env: { ...process.env, NODE_EXTRA_CA_CERTS: LAB_TLS.caCertificate },
    },
  );
  const exited = once(child, 'exit').then(([code]: unknown[]) => Number(code ?? 128));
  const { members, ended } = followInit();
  obeyOutside(members);
  await Promise.race([exited, ended]);
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
  const report = createReadStream(INIT_REPORT);
  const members = once(report, 'data').then(([line]: unknown[]) => {
    const [init, command] = String(line).trim().split(' ').map(Number);
    return { init: init ?? 0, command: command ?? 0 };
  });
  return { members, ended: once(report, 'end') };
}

function obeyOutside(members: Promise<Members>): void {
  const outside = new Socket({ fd: 3, readable: true, writable: false });
  const end = async (): Promise<void> => kill((await members).init, 'SIGKILL');
  outside.on('data', async (text: Buffer) => {
    const { command } = await members;
    for (const name of text.toString().trim().split('\n')) {
      const signal = FORWARDED.find((known) => known === name);
      if (signal !== undefined) {
        kill(command, signal);
      }
    }
  });
  outside.on('close', end);
  outside.on('error', end);
  setTimeout(end, Number(lifetimeSeconds) * 1000).unref();
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    if (pid > 0) {
      process.kill(pid, signal);
    }
  } catch {
    // It has ended already.
  }
}

function makeUnattractiveToOomKiller(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '-900');
  } catch {
    // Needs CAP_SYS_RESOURCE; without it the lab is no worse off than any other process.
  }
}
