import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { type ErrorCode, FlashfreezeError } from '../errors.ts';
import { jsonText, printable, printableTexts } from '../log/printable.ts';
import type { RunFile } from '../report/run-file.ts';
import { latestRun, RUN_FOLDER, readRunFile, runFilesIn } from '../report/run-folder.ts';
import type { OutputOf } from '../report/schemas/described.ts';
import type { runListSchema } from '../report/schemas/run-list.ts';
import { renderTable } from '../report/table.ts';
import { renderCommandRun, renderSummary } from '../report/terminal.ts';
import { unwritable } from './output.ts';

interface ReportOptions {
  readonly output?: string;
  readonly trace?: string;
  readonly list?: boolean;
  readonly folder: string;
  readonly json?: boolean;
}

type RunList = OutputOf<typeof runListSchema>;

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
    .option('--json', 'print the run, or with --list the runs, as JSON (default: as text)')
    .option('--folder <path>', 'folder that the runs are kept in', RUN_FOLDER)
    .action(async (path: string | undefined, options: ReportOptions) => {
      await (options.list === true ? list(options) : report(path, options));
    });
}

async function report(
  path: string | undefined,
  { output, trace, folder, json }: ReportOptions,
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
    process.stdout.write(`${json === true ? jsonText(run) : textOf(run)}\n`);
  }
}

function textOf({ writtenAt, origin, machine: { host }, error, summary }: RunFile): string {
  const head = `${origin}${host === null ? '' : ` on ${printable(host)}`}, ${writtenAt}\n`;
  if (summary === null) {
    return `${head}✗ ended before anything was frozen: ${printable(error?.message ?? '')} (${error?.code})`;
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
    throw unwritable(path, error);
  }
}

async function list({ folder, json }: ReportOptions): Promise<void> {
  const runs = await Promise.all(
    (await runFilesIn(folder)).map(async (path) => ({
      path,
      run: await readRunFile(path).catch(unreadable),
    })),
  );
  if (json === true) {
    const listed: RunList = { runs: runs.map(({ path, run }) => entryOf(path, run)) };
    process.stdout.write(`${jsonText(listed)}\n`);
    return;
  }
  const rows = printableTexts(runs.map(({ path, run }) => rowOf(path, run)));
  const table = renderTable(
    [
      { head: 'run', align: 'left' },
      { head: 'result', align: 'left' },
      { head: 'disks', align: 'right' },
      { head: 'window ms', align: 'right' },
    ],
    rows,
  );
  process.stdout.write(rows.length === 0 ? `no runs in ${printable(folder)}\n` : `${table}\n`);
}

/** Stands for a file that cannot be read. */
interface Unreadable {
  readonly code: ErrorCode;
}

function unreadable(error: unknown): Unreadable {
  if (error instanceof FlashfreezeError) {
    return { code: error.code };
  }
  throw error;
}

function entryOf(path: string, read: RunFile | Unreadable): RunList['runs'][number] {
  const run = 'code' in read ? undefined : read;
  const summary = run?.summary ?? null;
  return {
    path,
    host: run?.machine.host ?? null,
    origin: run?.origin ?? null,
    writtenAt: run?.writtenAt ?? null,
    taskId: run?.taskId ?? null,
    consistency: summary?.consistency ?? null,
    code: summary?.code ?? null,
    error: 'code' in read ? read.code : (read.error?.code ?? null),
    disks: summary?.disks.length ?? 0,
    windowMs: summary?.windowMs.max ?? null,
  };
}

function rowOf(path: string, run: RunFile | Unreadable): (string | number)[] {
  const name = basename(path);
  if ('code' in run) {
    const isOther = run.code === 'FF_RUN_FILE_VERSION';
    return [name, isOther ? 'of another version' : 'damaged', '–', '–'];
  }
  const { summary, error } = run;
  return summary === null
    ? [name, `refused: ${error?.code ?? '?'}`, '–', '–']
    : [
        name,
        `${summary.consistency} (${summary.code})`,
        summary.disks.length,
        summary.windowMs.max.toFixed(1),
      ];
}
