/** What a drill does in the machine itself. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runCommand } from '../../../src/lab/run-command.ts';
import { processesNamed } from '../../../src/system/processes.ts';
import type { Deed, OwnDeed } from '../drills/drills.ts';

const SECOND_PROCESSOR = '/sys/devices/system/cpu/cpu1/online';
const FILLED = '/run/filled';
/** The name that the kernel keeps, of 15 letters. */
const GUARDIAN = 'flashfreeze-gua';

const OWN: Readonly<Record<OwnDeed['action'], true>> = {
  kill: true,
  processor: true,
  clock: true,
  'fill-memory': true,
  'free-memory': true,
};

export function isOwn(deed: Deed): deed is OwnDeed {
  return deed.action in OWN;
}

/** @param program pid of the command */
export async function doHere(deed: OwnDeed, program?: number): Promise<void> {
  switch (deed.action) {
    case 'kill':
      for (const pid of deed.what === 'guardian' ? guardians() : [program ?? 0]) {
        process.kill(pid, 'SIGKILL');
      }
      break;
    case 'processor':
      writeFileSync(SECOND_PROCESSOR, deed.state === 'online' ? '1' : '0');
      break;
    case 'clock':
      await runCommand('date', ['--set', `@${Math.round(Date.now() / 1000) + deed.hours * 3600}`]);
      break;
    case 'fill-memory':
      mkdirSync(FILLED);
      await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=100%', 'filled', FILLED]);
      await runCommand('fallocate', [
        ...['--length', `${availableKib() - deed.leaveMb * 1024}KiB`, `${FILLED}/zeros`],
      ]);
      break;
    case 'free-memory':
      await runCommand('umount', [FILLED]);
      break;
  }
}

function availableKib(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
}

function guardians(): number[] {
  const found = processesNamed(new Set([GUARDIAN]));
  if (found.length === 0) {
    throw new Error(`no process ${GUARDIAN}`);
  }
  return found;
}
