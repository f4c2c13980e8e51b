/**
 * What `npm run machines` does in namespaces of its own (mounts, network, processes): one machine after the other. Argument:
 * a Task as JSON. It ends with the process that started it, whose pipe is its standard input.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kernel } from './kernels.ts';
import type { Machine } from './machine.ts';
import { type Provisions, REPOSITORY } from './provisions.ts';
import { hasPassed, type MachineResult, renderResults } from './results.ts';
import { MachineRound } from './round.ts';
import { prepareKernel } from './uml.ts';
import { layCable } from './wire.ts';

export interface Task {
  readonly machines: readonly Machine[];
  readonly kernels: readonly Kernel[];
  readonly again: boolean;
  readonly provisions: Provisions;
  /** An empty folder. */
  readonly work: string;
}

const RESULTS = join(REPOSITORY, 'build/machines');

/** In the first column of the progress, so that it can be read while it grows. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function playAll(task: Task): Promise<MachineResult[]> {
  const { machines, kernels, provisions, work } = task;
  const results: MachineResult[] = [];
  await layCable();
  for (const kernel of kernels) {
    await prepareKernel(provisions.kernels[kernel.name] ?? '', work);
    for (const machine of machines) {
      results.push(await playOrRecall(task, machine, kernel));
    }
  }
  return results;
}

async function playOrRecall(task: Task, machine: Machine, kernel: Kernel): Promise<MachineResult> {
  const { provisions, work, again } = task;
  const folder = join(provisions.results, `${machine.name}-${kernel.name}`);
  const kept = join(folder, 'result.json');
  const known = `${machine.name} on ${kernel.name}`;
  if (!again && existsSync(kept)) {
    const before: MachineResult = JSON.parse(await readFile(kept, 'utf8'));
    if (hasPassed(before)) {
      return { ...before, earlier: true };
    }
  }
  const result = await new MachineRound({ machine, kernel, provisions, work }).play(folder);
  await writeFile(kept, JSON.stringify(result, undefined, 2));
  const verdict = hasPassed(result) ? 'passed' : `FAILED, see ${folder}`;
  say(`${known}: ${verdict} (${result.seconds.toFixed(0)} s)`);
  return result;
}

process.stdin.on('end', () => process.exit(1)).resume();
const task: Task = JSON.parse(process.argv[2] ?? '');
const results = await playAll(task);
await mkdir(RESULTS, { recursive: true });
await writeFile(join(RESULTS, 'results.json'), JSON.stringify(results, undefined, 2));
process.stdout.write(`${renderResults(results)}\n`);
process.exit(results.every(hasPassed) ? 0 : 1);
