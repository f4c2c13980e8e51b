import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import type { RunFile } from '../report/run-file.ts';
import { latestRun, RUN_FOLDER, readRunFile, runFilesIn } from '../report/run-folder.ts';
import { renderTable } from '../report/table.ts';
import { renderCommandRun, renderSummary } from '../report/terminal.ts';
import { reasonOf } from '../system/errno.ts';

interface ReportOptions {
  readonly output?: string;
  readonly trace?: string;
  readonly list?: boolean;
  readonly folder: string;
}

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('Show a finished run: as text, as a picture or as a trace')
    .argument(
      '[run.json]',
      'file that the run left in the log folder; default: that of the latest run',
    )
    .option(
      '-o, --output <file.html>',
      'write an HTML page with a picture of the run (- for standard output; default: print text)',
    )
    .option(
      '--trace <file.json>',
      'write a trace of the run for Perfetto or chrome://tracing (- for standard output; default: print text)',
    )
    .option('--list', 'list the runs in the folder (default: show one run)')
    .option('--folder <path>', 'folder that the runs are kept in', RUN_FOLDER)
    .action(async (path: string | undefined, options: ReportOptions) => {
      await (options.list === true ? list(options.folder) : report(path, options));
    });
}

async function report(
  path: string | undefined,
  { output, trace, folder }: ReportOptions,
): Promise<void> {
  const run = await readRunFile(path ?? (await latestRun(folder)));
  if (output !== undefined) {
    const { renderHtml } = await import('../report/html.ts');
    await write(output, renderHtml(run));
  }
  if (trace !== undefined) {
    const { traceOf } = await import('../report/trace.ts');
    await write(trace, `${JSON.stringify(traceOf(run))}\n`);
  }
  if (output === undefined && trace === undefined) {
    process.stdout.write(`${textOf(run)}\n`);
  }
}

function textOf({ writtenAt, origin, error, summary }: RunFile): string {
  const head = `${origin}, ${writtenAt}\n`;
  if (summary === null) {
    return `${head}✗ ended before anything was frozen: ${error?.message} (${error?.code})`;
  }
  return `${head}${origin === 'freeze' ? renderCommandRun(summary) : renderSummary(summary)}`;
}

async function write(path: string, text: string): Promise<void> {
  if (path === '-') {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(path, text);
  } catch (error) {
    const reason = reasonOf(error);
    throw new FlashfreezeError(
      'FF_USAGE',
      `${path}: cannot be written (${reason}); expected the path of a file in a folder that exists`,
    );
  }
}

async function list(folder: string): Promise<void> {
  const rows = await Promise.all(
    (await runFilesIn(folder)).map(async (path) => {
      const run = await readRunFile(path).catch(() => undefined);
      return rowOf(path, run);
    }),
  );
  const table = renderTable(
    [
      { head: 'run', align: 'left' },
      { head: 'result', align: 'left' },
      { head: 'disks', align: 'right' },
      { head: 'window ms', align: 'right' },
    ],
    rows,
  );
  process.stdout.write(rows.length === 0 ? `no runs in ${folder}\n` : `${table}\n`);
}

function rowOf(path: string, run: RunFile | undefined): (string | number)[] {
  const name = basename(path);
  if (run === undefined) {
    return [name, 'damaged', '–', '–'];
  }
  const { summary, error } = run;
  return summary === null
    ? [name, error?.code ?? '?', '–', '–']
    : [
        name,
        `${summary.consistency} (${summary.code})`,
        summary.disks.length,
        summary.windowMs.max.toFixed(1),
      ];
}
