/**
 * What `npm run machines` does in namespaces of its own (mounts, network, processes): one machine after the other. Argument:
 * a Task as JSON. It ends with the process that started it, whose pipe is its standard input.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Provisions, REPOSITORY } from './provisions.ts';
import { hasPassed, type MachineResult, renderResults } from './results.ts';
import { MachineRound } from './round.ts';
import type { Frozen } from './stages.ts';
import { prepareKernel, prepareWork } from './uml.ts';
import { layCable } from './wire.ts';

export interface Task {
  readonly again: boolean;
  readonly record: boolean;
  readonly provisions: Provisions;
  /** An empty folder. */
  readonly work: string;
}

const RESULTS = join(REPOSITORY, 'build/machines');
const RECORDED = join(REPOSITORY, 'test/filesystems/fixtures/recorded');

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function playAll(task: Task): Promise<MachineResult[]> {
  const { provisions, work } = task;
  const results: MachineResult[] = [];
  await layCable();
  await copySources(work);
  const folders = new Set(foldersOfUml(task));
  if (folders.size > 0) {
    await prepareWork(work);
  }
  for (const folder of folders) {
    await prepareKernel(folder, work);
  }
  for (const pairing of provisions.pairings) {
    results.push(await playOrRecall(task, pairing));
  }
  return results;
}

function foldersOfUml({ provisions }: Task): string[] {
  return provisions.pairings
    .filter(({ machine }) => machine.kind === 'uml')
    .map(({ made }) => made.kernel);
}

/** For test/filesystems/recorded-machines.test.ts: what the plan reads, and the plan that came of it. */
async function keepRecording(folder: string, name: string): Promise<void> {
  const at = (ending: string): string => join(RECORDED, `${name}.${ending}`);
  for (const ending of ['mountinfo', 'sysfs']) {
    await cp(join(folder, `recorded.${ending}`), at(ending));
  }
  const { plan }: Frozen = JSON.parse(await readFile(join(folder, 'frozen.json'), 'utf8'));
  const expected = plan.fileSystems.map(({ mountPoint, type, disks }) => ({
    ...{ mountPoint, type, disks },
  }));
  await writeFile(at('plan.json'), `${JSON.stringify(expected, undefined, 2)}\n`);
}

/** What runs in the machines, so that the tree may change meanwhile. */
async function copySources(work: string): Promise<void> {
  for (const name of ['package.json', 'bench', 'src', 'test/filesystems']) {
    await cp(join(REPOSITORY, name), join(work, 'repo', name), { recursive: true });
  }
}

async function playOrRecall(
  task: Task,
  { machine, kernel, made }: Provisions['pairings'][number],
): Promise<MachineResult> {
  const { provisions, work, again, record } = task;
  const folder = join(provisions.results, `${machine.name}-${kernel.name}`);
  const kept = join(folder, 'result.json');
  const known = `${machine.name} on ${kernel.name}`;
  if (!again && existsSync(kept)) {
    const before: MachineResult = JSON.parse(await readFile(kept, 'utf8'));
    if (hasPassed(before)) {
      return { ...before, earlier: true };
    }
  }
  const result = await new MachineRound({ machine, kernel, made, work, record }).play(folder);
  await writeFile(kept, JSON.stringify(result, undefined, 2));
  if (record && hasPassed(result)) {
    await keepRecording(folder, `${machine.name}-${kernel.name}`);
  }
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
