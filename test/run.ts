/**
 * Runs every `*.test.ts` below this folder, each file in a process of its own, and prints the
 * closing line `N passed, N failed`. Arguments are substrings of the file names to run; one that is in none of
 * them is refused with exit code 2.
 *
 * A file fails when it exits non-zero, when it ran no test (uvu passes a file that forgets
 * `test.run()`), when it skipped one, or when not all of its tests passed.
 * All share the cores; the longest begin first. Files named `*.lab.test.ts` freeze file systems; more of them run at once
 * than there are cores, because they wait most of the time. While they run, grace periods are expedited, because that is
 * the machine's and not a lab's: one run would put it back while another one needs it. Those named `*.alone.lab.test.ts`
 * look at just that, and come before them, one at a time; no other run of the tests has a lab then. The files without a lab
 * run beside both.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { bundleAzurite } from '../src/lab/azurite-program.ts';
import { expediteGracePeriods } from '../src/lab/grace-periods.ts';
import { PROGRAM_VARIABLE } from '../src/lab/program-path.ts';
import { bundleProgram } from './bundled-program.ts';
import { Durations } from './durations.ts';
import { shareMachine } from './machine-share.ts';
import { parseUvuTotals } from './uvu-totals.ts';

/** A file that takes longer hangs; longer than the lifetime of a test's lab, which ends in order. */
const FILE_TIME_LIMIT_MS = 1_800_000;
/** Measured on two cores, where a lab test leaves a core idle for more than half of its time. */
const LABS_BESIDES_CORES = 3;
const root = import.meta.dirname;
/** Stripping types and compiling take half of a short process, and tests start thousands. */
const COMPILE_CACHE = join(root, '../build/compile-cache');
const durations = new Durations();
const cores = availableParallelism();

interface FileResult {
  readonly passed: number;
  readonly failed: number;
}

function testFiles(filters: readonly string[]): string[] {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort();
  for (const filter of filters) {
    if (!names.some((name) => name.includes(filter))) {
      process.stderr.write(
        `no test file has "${filter}" in its name; expected a part of a path below ${root}\n`,
      );
      process.exit(2);
    }
  }
  return names.filter(
    (name) => filters.length === 0 || filters.some((filter) => name.includes(filter)),
  );
}

/** Runs one test file; its output is held and printed whole, so that files side by side do not mix. */
function runFile(name: string): Promise<FileResult> {
  const { promise, resolve } = Promise.withResolvers<FileResult>();
  const started = process.hrtime.bigint();
  const child = spawn(process.execPath, [join(root, name)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: FILE_TIME_LIMIT_MS,
    killSignal: 'SIGKILL',
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env },
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', (code, signal) => {
    const output = Buffer.concat(chunks).toString('utf8');
    const result = judge(output, code);
    const seconds = Number((process.hrtime.bigint() - started) / 10_000_000n) / 100;
    durations.add(name, seconds);
    const verdict = result.failed === 0 ? 'ok  ' : 'FAIL';
    process.stdout.write(
      `${verdict} ${relative('.', join(root, name))}: ${result.passed} passed, ${seconds} s\n`,
    );
    if (result.failed > 0) {
      process.stdout.write(`${output}\n(exit code ${code}, signal ${signal})\n`);
    }
    resolve(result);
  });
  return promise;
}

function judge(output: string, exitCode: number | null): FileResult {
  const totals = parseUvuTotals(output);
  if (totals === undefined || totals.total === 0) {
    return { passed: 0, failed: 1 };
  }
  const failed = totals.total - totals.passed;
  return { passed: totals.passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}

async function runAll(files: readonly string[], atOnce: number): Promise<FileResult[]> {
  const waiting = durations.longestFirst(files);
  const results: FileResult[] = [];
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      results.push(await runFile(name));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/** Puts into the cache what processes in labs use: there they can only read it. */
async function trainCompileCache(): Promise<void> {
  await using _share = await shareMachine('shared');
  mkdirSync(COMPILE_CACHE, { recursive: true });
  const program = join(root, 'train-compile-cache.ts');
  const shell = '"$0" "$1" | tar --extract --directory="$2"';
  const training = spawn('sh', ['-c', shell, process.execPath, program, COMPILE_CACHE], {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: FILE_TIME_LIMIT_MS,
  });
  await once(training, 'close');
}

async function runAlone(names: readonly string[]): Promise<FileResult[]> {
  if (names.length === 0) {
    return [];
  }
  await using _share = await shareMachine('exclusive');
  return await runAll(names, 1);
}

async function runInLabs(names: readonly string[]): Promise<FileResult[]> {
  if (names.length === 0) {
    return [];
  }
  await using _share = await shareMachine('shared');
  await using _expedited = await expediteGracePeriods();
  return await runAll(names, cores + LABS_BESIDES_CORES);
}

const files = testFiles(process.argv.slice(2));
await bundleAzurite();
process.env[PROGRAM_VARIABLE] ??= await bundleProgram();
// A few files take less time than the training.
if (process.argv.length === 2) {
  await trainCompileCache();
}
const needsMachine = (name: string): boolean => name.endsWith('.alone.lab.test.ts');
const needsLab = (name: string): boolean => name.endsWith('.lab.test.ts') && !needsMachine(name);
const withoutLab = files.filter((name) => !needsLab(name) && !needsMachine(name));
const results = (
  await Promise.all([
    runAll(withoutLab, cores),
    runAlone(files.filter(needsMachine)).then(async (alone) => [
      ...alone,
      ...(await runInLabs(files.filter(needsLab))),
    ]),
  ])
).flat();
durations.save();
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
