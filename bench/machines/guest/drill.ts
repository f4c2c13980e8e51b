/** A boot of its own: what happens to writers and to the run when something breaks in the window. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../../src/lab/run-command.ts';
import {
  type Deed,
  DRILLS,
  type Drilled,
  type DrillName,
  REQUESTS,
  type Request,
} from '../drills/drills.ts';
import type { Order } from '../stages.ts';
import { doHere, isOwn } from './deeds.ts';
import { enableTask, installExtension, isFinal, runExtension, statusOf } from './extension.ts';
import { lookAfterCut, noteDurable } from './power-cut.ts';
import { failingPlaces, StallWriters } from './stall-writers.ts';

const FLASHFREEZE = '/opt/flashfreeze/flashfreeze';
const IN_WINDOW = '/run/in-window';
const LOOK_MS = 50;
/** All writers at once: their file systems are frozen. */
const STANDSTILL_MS = 2000;

const order: Order = JSON.parse(readFileSync('/host/order.json', 'utf8'));
let places = order.fileSystems.map(({ at }) => at);
let asked = 0;

async function ask(request: Request): Promise<void> {
  appendFileSync(`/host/${REQUESTS}/asked`, `${JSON.stringify(request)}\n`);
  asked += 1;
  while (!existsSync(`/host/${REQUESTS}/done-${asked}`)) {
    await sleep(LOOK_MS);
  }
  // QEMU answers before the kernel has let go of the disk.
  while (request.action === 'detach' && existsSync(`/dev/disk/lab/${request.disk}`)) {
    await sleep(LOOK_MS);
  }
}

/** @param program pid of the command */
async function perform(deed: Deed | undefined, program?: number): Promise<void> {
  if (deed === undefined) {
    return;
  }
  if (isOwn(deed)) {
    await doHere(deed, program);
  } else {
    await ask(deed);
  }
}

interface Run {
  readonly code: number;
  readonly said: string;
}

/** Resolves when the run has ended. */
async function runFreeze(
  timeoutS: number,
  holdS: number,
  inWindow: (pid: number) => Promise<void>,
): Promise<Run> {
  rmSync(IN_WINDOW, { force: true });
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
  if (existsSync(IN_WINDOW)) {
    await inWindow(child.pid ?? 0);
  }
  const [code] = (await ended) as [number | null];
  return { code: code ?? 128, said: said.trim().split('\n').slice(-8).join(' | ') };
}

async function play(name: keyof typeof DRILLS): Promise<Drilled> {
  process.stdout.write(`${name}\n`);
  const { timeoutS, holdS, before, meanwhile, inWindow, after, harmed } = DRILLS[name];
  await using writers = await StallWriters.start(places);
  await perform(before);
  const [run] = await Promise.all([
    runFreeze(timeoutS, holdS, (program) => perform(inWindow, program)),
    meanwhile && sleep(meanwhile.afterS * 1000).then(() => perform(meanwhile.deed)),
  ]);
  await perform(after);
  const later = await failingPlaces(places);
  if (harmed?.becomes === 'lost') {
    // The next drill is about another disk.
    places = places.filter((at) => at !== harmed.at);
    await runCommand('umount', ['--lazy', harmed.at]);
  }
  return { name, ...run, later, writers: writers.findings() };
}

/** In the window of a task, whose requests the host does not answer. */
async function cutPower(): Promise<never> {
  process.stdout.write('power-cut\n');
  await installExtension();
  // As it is long after the installation.
  await runCommand('sync', []);
  await using writers = await StallWriters.start(places);
  await enableTask(0);
  while (!writers.standStillFor(STANDSTILL_MS)) {
    const status = await statusOf(0);
    if (isFinal(status)) {
      throw new Error(`the machine was to be cut off; the task ended before: ${status}`);
    }
    await sleep(LOOK_MS);
  }
  noteDurable(writers);
  await ask({ action: 'cut' });
  throw new Error('the host was to cut the machine off');
}

async function drill(name: DrillName): Promise<Drilled> {
  switch (name) {
    case 'power-cut':
      return await lookAfterCut(places);
    case 'extension':
      return await runExtension();
    default:
      return await play(name);
  }
}

if (process.argv[2] === 'cut') {
  await cutPower();
}
const drilled: Drilled[] = [];
for (const name of order.drills) {
  drilled.push(await drill(name));
  writeFileSync('/host/drilled.json', JSON.stringify(drilled, undefined, 2));
}
process.exit(0);
