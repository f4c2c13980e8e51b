import { readFileSync, writeFileSync } from 'node:fs';
import { runCommand, tryCommand } from '../../../src/lab/run-command.ts';
import type { Drilled } from '../drills/drills.ts';
import { enableTask, finalStatusOf, isSuccess, SHOWN } from './extension.ts';
import { failingPlaces, numberAt, type StallWriters } from './stall-writers.ts';

const FLASHFREEZE = '/opt/flashfreeze/flashfreeze';
const DURABLE = '/host/durable.json';

/** Right before the cut, while everything is frozen. */
export function noteDurable(writers: StallWriters): void {
  writeFileSync(DURABLE, JSON.stringify(writers.durable()));
}

/**
 * In the boot after it: every synced write is there, every file system takes a write, the task is reported as
 * interrupted when the agent hands it over again, and the next runs end well.
 */
export async function lookAfterCut(mountPoints: readonly string[]): Promise<Drilled> {
  const durable: Record<string, number> = JSON.parse(readFileSync(DURABLE, 'utf8'));
  const lost = mountPoints.flatMap((at) => {
    const [found, least = 0] = [numberAt(at), durable[at]];
    process.stdout.write(`${at}: ${found} after the cut, ${least} before it\n`);
    return found >= least && least > 0 ? [] : [`${at} has ${found}, ${least} was synced`];
  });
  const later = await failingPlaces(mountPoints);
  const stuck = later.map(({ at, error = 'it does not end' }) => `a write on ${at}: ${error}`);
  const plan = await runCommand(FLASHFREEZE, ['plan', '--json']);
  const planned: { fileSystems: { mountPoint: string }[] } = JSON.parse(plan);
  const missing = mountPoints
    .filter((at) => !planned.fileSystems.some(({ mountPoint }) => mountPoint === at))
    .map((at) => `${at} is not in the plan`);
  const { code, stderr } = await tryCommand(FLASHFREEZE, ['freeze', '--', 'true']);
  const next = code === 0 ? [] : [`the next run ended with ${code}: ${stderr.slice(-400)}`];
  const wrong = [...lost, ...stuck, ...missing, ...next, ...(await tasksAfterCut())];
  return { name: 'power-cut', code: wrong.length, said: wrong.join(', '), writers: [], later };
}

/** The agent hands over again what it has handed over last, and then the next task. */
async function tasksAfterCut(): Promise<string[]> {
  await enableTask(0);
  const interrupted = await finalStatusOf(0);
  await enableTask(1);
  const next = await finalStatusOf(1);
  return [
    ...(interrupted.includes('interrupted before it was reported')
      ? []
      : [`the task of the cut is reported so: ${interrupted.slice(0, SHOWN)}`]),
    ...(isSuccess(next) ? [] : [`the task after the cut is reported so: ${next.slice(0, SHOWN)}`]),
  ];
}
