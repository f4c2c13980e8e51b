/** `npm run machines`: see USAGE in options.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../../src/errors.ts';
import { type OptionalCommand, requireLabCommands } from '../../src/lab/requirements.ts';
import { misuseLine } from '../../test/options.ts';
import type { Pairing } from './any-machine.ts';
import type { Task } from './inside.ts';
import { parseMachines, USAGE, type Wanted } from './options.ts';
import { cacheDirectory, provide } from './provisions.ts';
import { EMULATORS, VIRTIOFSD } from './qemu/boot.ts';

type Run = Extract<Wanted, { kind: 'run' }>;

async function main(): Promise<number> {
  let wanted: Wanted;
  try {
    wanted = parseMachines(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(misuseLine('npm run machines', error));
    return 2;
  }
  if (wanted.kind === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (process.getuid?.() !== 0) {
    throw new FlashfreezeError('FF_NOT_ROOT', 'Machines need namespaces: run this as root.');
  }
  return await run(wanted);
}

/** @returns the exit code */
async function run({ pairings, again, record }: Run): Promise<number> {
  await requireLabCommands(['debootstrap', ...commandsFor(pairings)]);
  const provisions = await provide(pairings, (line) => process.stderr.write(`${line}\n`));
  // On the file system of what is linked into it.
  const work = await mkdtemp(join(cacheDirectory(process.env), 'work-'));
  try {
    return await runInside({ again, record, provisions, work });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function commandsFor(pairings: readonly Pairing[]): readonly OptionalCommand[] {
  const architectures = new Set(
    pairings.map(({ machine }) => (machine.kind === 'qemu' ? machine.architecture : undefined)),
  );
  architectures.delete(undefined);
  return [
    ...(architectures.has('amd64') ? ([EMULATORS.amd64] as const) : []),
    ...(architectures.has('arm64') ? ([EMULATORS.arm64, 'aarch64-linux-gnu-g++'] as const) : []),
    ...(architectures.size > 0 ? ([VIRTIOFSD, 'depmod', 'busybox', 'xz'] as const) : []),
  ];
}

/** Nothing of it outlives the process namespace, whose first process it is. */
async function runInside(task: Task): Promise<number> {
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--propagation', 'private', '--net'],
      ...['--pid', '--fork', '--kill-child', '--mount-proc', '--'],
      ...[process.execPath, join(import.meta.dirname, 'inside.ts'), JSON.stringify(task)],
    ],
    // A session of its own, so that Ctrl-C reaches this process alone.
    { stdio: ['pipe', 'inherit', 'inherit'], detached: true },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill('SIGKILL'));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

process.exitCode = await main();
