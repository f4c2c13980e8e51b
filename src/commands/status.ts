import { type Command, CommanderError } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { jsonText, printable } from '../log/printable.ts';
import { redact } from '../log/redaction.ts';
import { exitWithIfOutputIsLost, reportError } from './exit.ts';
import type { FirstStep } from './first-step.ts';

interface StatusOptions {
  readonly maxAge: string;
  readonly folder?: string;
  readonly json?: boolean;
}

/** What monitoring systems take for "unknown". */
const UNKNOWN = 3;
/** A daily run, with two hours to spare. */
const USUAL_AGE_HOURS = '26';
const MOST_HOURS = 24 * 366;

export function addStatusCommand(program: Command, firstStep: FirstStep): void {
  program
    .command('status')
    .description(
      'Show the last runs, the next one and what is wrong, for people and monitoring systems',
    )
    .option(
      '--max-age <hours>',
      'age of the last success above which the status is critical',
      USUAL_AGE_HOURS,
    )
    .option(
      '--folder <path>',
      'folder that the runs are kept in (default: those of the command and of the extension)',
    )
    .option('--json', 'print the status as JSON (default: as text)')
    .addHelpText('after', EXPLANATION)
    .exitOverride(({ exitCode, code, message }) => {
      throw new CommanderError(exitCode === 0 ? 0 : UNKNOWN, code, message);
    })
    .action(async (options: StatusOptions) => {
      process.exitCode = await status(options, firstStep.found);
    });
}

const EXPLANATION = `
Exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, as plug-ins of Nagios have it; the first line
is for a monitoring system, with figures behind the bar.`;

/** @returns the exit code */
async function status(
  { maxAge, folder, json = false }: StatusOptions,
  recovered: readonly string[],
): Promise<number> {
  exitWithIfOutputIsLost(UNKNOWN);
  // Loaded here: other commands need none of it.
  const { readStatus } = await import('../status/read-status.ts');
  const { judgeStatus } = await import('../status/judge-status.ts');
  const { EXIT_CODES, pluginLine, renderStatus } = await import('../status/render-status.ts');
  try {
    const folders = folder === undefined ? undefined : [folder];
    const report = judgeStatus(await readStatus(folders, maxAgeMsOf(maxAge), recovered));
    const text = json ? jsonText(report) : renderStatus(report);
    process.stdout.write(redact(`${text}\n`));
    return EXIT_CODES[report.status];
  } catch (error) {
    if (!json && error instanceof FlashfreezeError) {
      process.stdout.write(
        `${pluginLine('unknown', redact(`${printable(error.message)} (${error.code})`))}\n`,
      );
    } else {
      reportError(error, json);
    }
    return UNKNOWN;
  }
}

function maxAgeMsOf(text: string): number {
  const hours = Number(text);
  if (!(hours > 0 && hours <= MOST_HOURS)) {
    throw new FlashfreezeError(
      'FF_USAGE',
      `--max-age ${text}: expected hours, more than 0 and at most ${MOST_HOURS}, e.g. --max-age 26`,
    );
  }
  return hours * 3_600_000;
}
