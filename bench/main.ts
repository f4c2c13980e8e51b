/** `npm run bench -- <scenario> [options]`: measures in the lab, prints tables, keeps the raw figures. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { Command, type OptionValues } from 'commander';
import { exitOnError } from '../src/commands/exit.ts';
import { describeMisuse } from '../src/commands/misuse.ts';
import { FlashfreezeError } from '../src/errors.ts';
import { describeMachine } from './machine.ts';
import { renderPage, renderPictures } from './page/page.ts';
import { readResults } from './page/results.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

const RESULTS = join(import.meta.dirname, 'results');

async function run(scenario: Scenario, options: OptionValues): Promise<void> {
  const startedAt = new Date().toISOString();
  await scenario.prepare?.(options);
  const measured = await measure(scenario, options);
  if (measured.exitCode !== 0) {
    // It has said why.
    process.exitCode = measured.exitCode;
    return;
  }
  const { figures } = measured;
  const machine = await describeMachine();
  const path = await keep(scenario, { startedAt, machine, options, figures });
  process.stdout.write(`${scenario.render(figures, options)}\n`);
  process.stdout.write(
    `${machine.cores} × ${machine.processor}, Linux ${machine.kernel}, Node ${machine.versions.node}; raw figures: ${relative('.', path)}, charts: ${relative('.', await drawPage())}\n`,
  );
  const faults = scenario.judge?.(figures, options) ?? [];
  for (const fault of faults) {
    process.stdout.write(`✗ ${fault}\n`);
  }
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** A process of its own, because entering the lab starts the script again, with other arguments' parsing. */
async function measure({ name }: Scenario, options: OptionValues): Promise<Measured> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'measure.ts'), name, JSON.stringify(options)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  const [output, [code, signal]] = (await Promise.all([
    text(child.stdout),
    once(child, 'close'),
  ])) as [string, [number | null, NodeJS.Signals | null]];
  if (code === 0) {
    return { exitCode: 0, figures: JSON.parse(output) };
  }
  return { exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) };
}

type Measured =
  | { readonly exitCode: 0; readonly figures: unknown }
  | { readonly exitCode: number; readonly figures?: undefined };

/** Redraws the page from the last result of every scenario. */
async function drawPage(): Promise<string> {
  const path = join(RESULTS, 'index.html');
  await writeFile(path, renderPage(SCENARIOS, await readResults(RESULTS)));
  return path;
}

async function drawPictures(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [scenario, result] of await readResults(RESULTS)) {
    for (const [name, svg] of Object.entries(renderPictures(scenario, result))) {
      await writeFile(join(directory, name), svg);
    }
  }
}

async function keep({ name }: Scenario, result: object): Promise<string> {
  await mkdir(RESULTS, { recursive: true });
  const path = join(RESULTS, `${name}.json`);
  await writeFile(path, `${JSON.stringify(result, null, 1)}\n`);
  return path;
}

function createProgram(): Command {
  const program = new Command('bench')
    .usage('<scenario> [options]')
    .description('Measures what writers feel of snapshots, in a lab of its own (needs root)')
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(describeMisuse(text)) })
    .exitOverride();
  for (const scenario of SCENARIOS) {
    const command = program.command(scenario.name).description(scenario.summary);
    scenario.addOptions(command);
    command.action((options: OptionValues) => run(scenario, options));
  }
  program
    .command('page')
    .description('Draws the page of charts again, from the results that are there')
    .option('--pictures <directory>', 'also write each chart as an SVG file of its own')
    .action(async ({ pictures }: { readonly pictures?: string }) => {
      await mkdir(RESULTS, { recursive: true });
      if ((await readResults(RESULTS)).size === 0) {
        throw new FlashfreezeError(
          'FF_USAGE',
          `page: there are no results in ${relative('.', RESULTS)} yet; run a scenario first, e.g. npm run bench -- window`,
        );
      }
      process.stdout.write(`${relative('.', await drawPage())}\n`);
      if (pictures !== undefined) {
        await drawPictures(pictures);
      }
    });
  return program;
}

await exitOnError(() => createProgram().parseAsync(process.argv));
