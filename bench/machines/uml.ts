import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../src/lab/run-command.ts';
import { compileLibrary } from '../process/native-programs.ts';
import { OS_DISK } from './machine.ts';
import { TAP } from './wire.ts';

export interface UmlBoot {
  /** Folder of the kernel, prepared. */
  readonly kernel: string;
  readonly machine: string;
  readonly stage: string;
  /** Names of files in the work folder: ubda, ubdb, … */
  readonly disks: readonly string[];
  /** For what the kernel says on its console. */
  readonly consolePath: string;
}

const MEMORY = '768M';
/** It is there against hangs: most boots take less than a minute. */
const BOOT_LIMIT_MS = 480_000;

/** Lets UML run on processors with more registers than it knows. */
const REGISTERS = 'uml-registers';

/** To be called once for the work folder, before the first boot. */
export async function prepareWork(work: string): Promise<void> {
  await compileLibrary(join(import.meta.dirname, `${REGISTERS}.c`), work);
}

/** What the kernel sees as its root: its own files, and those of the host that a machine needs. In a private mount namespace. */
export async function prepareKernel(kernel: string, work: string): Promise<void> {
  const at = (name: string): string => join(kernel, name);
  await runCommand('mount', ['-t', 'proc', 'proc', at('proc')]);
  await runCommand('mount', ['--rbind', '/dev', at('dev')]);
  // The machine's memory is a file here.
  await runCommand('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'memory', at('tmp')]);
  await runCommand('mount', ['--bind', work, at('work')]);
  await runCommand('mount', ['--bind', join(work, 'repo'), at('repo')]);
}

/** Resolves when the machine is off. Rejects when it did not end in time. */
export async function bootUml(order: UmlBoot): Promise<void> {
  const { kernel, consolePath, machine, stage } = order;
  await using console = await open(consolePath, 'a');
  const child = spawn(
    'unshare',
    // A process namespace of its own: its death is that of every process of the machine. Its first process is a shell,
    // because UML ends a panic with SIGABRT, which a first process does not get from itself.
    [
      ...['--pid', '--fork', '--kill-child', '--', 'sh', '-c', '"$@"; exit $?', 'sh'],
      ...['nice', '-n', '10', 'env', `LD_PRELOAD=/work/${REGISTERS}.so`],
      ...['chroot', kernel, ...kernelArguments(order)],
    ],
    {
      stdio: ['ignore', console.fd, console.fd],
      env: { PATH: process.env.PATH, HOME: '/tmp', TMPDIR: '/tmp' },
    },
  );
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, BOOT_LIMIT_MS);
  try {
    await once(child, 'close');
    if (isLate) {
      throw new Error(`${machine}: ${stage} did not end in ${BOOT_LIMIT_MS / 1000} s`);
    }
  } finally {
    clearTimeout(timer);
  }
}

function kernelArguments({ disks, machine, stage }: UmlBoot): string[] {
  const last = OS_DISK.length - 1;
  const first = OS_DISK.charCodeAt(last);
  return [
    ...['/usr/bin/linux.uml', `mem=${MEMORY}`],
    ...disks.map((file, index) => `ubd${String.fromCharCode(first + index)}=/work/${file}`),
    ...[`root=/dev/${OS_DISK}1`, 'rootfstype=ext4', 'rw', 'init=/sbin/machine-init'],
    ...['con=null', 'con0=null,fd:1', 'quiet', `vec0:transport=tap,ifname=${TAP},depth=128`],
    ...[`ff.stage=${stage}`, `ff.machine=${machine}`],
  ];
}
