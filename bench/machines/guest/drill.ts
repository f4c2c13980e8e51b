/** A boot of its own: what happens to writers and to the run when something breaks in the window. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../../src/lab/run-command.ts';
import {
  DRILLS,
  type Drill,
  type Drilled,
  type DrillName,
  type Request,
} from '../drills/drills.ts';
import type { Order } from '../stages.ts';
import { runExtension } from './extension.ts';
import { StallWriters, stuckPlaces } from './stall-writers.ts';

const FLASHFREEZE = '/opt/flashfreeze/flashfreeze';
const IN_WINDOW = '/run/in-window';
const LOOK_MS = 50;
const FAULTY_DISK = 'lun1';
const STOPPED_S = 20;

const order: Order = JSON.parse(readFileSync('/host/order.json', 'utf8'));
const places = order.fileSystems.map(({ at }) => at);
let asked = 0;

async function ask(request: Request): Promise<void> {
  appendFileSync('/host/asked', `${JSON.stringify(request)}\n`);
  asked += 1;
  while (!existsSync(`/host/done-${asked}`)) {
    await sleep(LOOK_MS);
  }
}

/** By the name that the kernel keeps of it, of 15 letters. */
function kill(name: string): void {
  const found = readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
    } catch {
      return false;
    }
  });
  if (found.length === 0) {
    throw new Error(`no process ${name}`);
  }
  for (const pid of found) {
    process.kill(Number(pid), 'SIGKILL');
  }
}

async function meddle(name: DrillName, worker: number | undefined): Promise<void> {
  switch (name) {
    case 'guardian-killed':
      return kill('flashfreeze-gua');
    case 'program-killed':
      process.kill(worker ?? 0, 'SIGKILL');
      return;
    case 'machine-stopped':
      return await ask({ action: 'stop', seconds: STOPPED_S });
    case 'disk-detached':
      return await ask({ action: 'detach', disk: FAULTY_DISK });
    case 'power-cut':
      return await ask({ action: 'cut' });
    case 'disk-slow':
    case 'extension':
      return;
  }
}

async function play({ name, timeoutS, holdS }: Drill): Promise<Drilled> {
  process.stdout.write(`${name}\n`);
  rmSync(IN_WINDOW, { force: true });
  await using writers = await StallWriters.start(places);
  if (name === 'disk-slow') {
    await ask({ action: 'slow', disk: FAULTY_DISK });
  }
  const hold = `echo >${IN_WINDOW}; exec sleep ${holdS}`;
  const args = ['freeze', '--timeout', String(timeoutS), '--', 'sh', '-c', hold];
  const child = spawn(FLASHFREEZE, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close');
  while (!existsSync(IN_WINDOW) && child.exitCode === null) {
    await sleep(LOOK_MS);
  }
  await meddle(name, child.pid);
  const [code] = (await ended) as [number | null];
  if (name === 'disk-slow') {
    await ask({ action: 'fast', disk: FAULTY_DISK });
  }
  const stuck = await stuckPlaces(places);
  return {
    ...{ name, code: code ?? 128, said: said.trim().split('\n').slice(-4).join(' | '), stuck },
    writers: writers.findings(),
  };
}

if (process.argv[2] === 'cut') {
  await play({ ...DRILLS['program-killed'], name: 'power-cut' });
  throw new Error('the machine was to be cut off');
}
const drilled: Drilled[] = [];
for (const name of order.drills) {
  if (name === 'power-cut') {
    // That was the boot before: everything must be as if nothing had been.
    process.stdout.write('after the power cut\n');
    const stuck = await stuckPlaces(places);
    const plan = await runCommand(FLASHFREEZE, ['plan', '--json']);
    const planned: { fileSystems: { mountPoint: string }[] } = JSON.parse(plan);
    const missing = places.filter(
      (at) => !planned.fileSystems.some(({ mountPoint }) => mountPoint === at),
    );
    const wrong = [...stuck.map((at) => `${at} takes no write`), ...missing];
    drilled.push({ name, code: wrong.length, said: wrong.join(', '), writers: [], stuck });
  } else if (name === 'extension') {
    process.stdout.write('extension\n');
    drilled.push(await runExtension());
  } else {
    drilled.push(await play(DRILLS[name]));
  }
}
writeFileSync('/host/drilled.json', JSON.stringify(drilled, undefined, 2));
process.exit(0);
