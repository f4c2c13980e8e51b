import { constants } from 'node:os';
import { type Command, CommanderError } from 'commander';
import { type ErrorCode, FlashfreezeError } from '../errors.ts';
import { jsonText } from '../log/printable.ts';
import { redactTexts } from '../log/redact-texts.ts';
import { type FreezeSummary, summarizeFreeze } from '../report/freeze-summary.ts';
import { renderFreeze } from '../report/terminal.ts';
import { HeldCommand } from '../snapshot/command/held-command.ts';
import { keepRefusal, openCommandContext, refusalContext, runForCommand } from './command-run.ts';
import { exitWithIfOutputIsLost, reportError } from './exit.ts';
import { addRunOptions, type RawRunOptions, runRequestOf } from './run-options.ts';
import { abortOnSignals, type SignalAbort } from './signals.ts';

/** As in env(1) and timeout(1): this command failed, not the command that it was to run. */
const OWN_FAILURE = 125;
/** The exit codes that shells use for these cases. */
const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  FF_COMMAND_NOT_EXECUTABLE: 126,
  FF_COMMAND_NOT_FOUND: 127,
};

export function addFreezeCommand(program: Command): void {
  const command = program
    .command('freeze')
    .description(
      'Freeze the file systems, run a command, thaw, and exit with the command’s exit code',
    )
    .usage('[options] -- <command> [argument...]')
    .argument(
      '<command...>',
      'program and its arguments; flashfreeze reads no options after the program',
    )
    .passThroughOptions()
    .addHelpText('after', EXPLANATION)
    .exitOverride(({ exitCode, code, message }) => {
      throw new CommanderError(exitCode === 0 ? 0 : OWN_FAILURE, code, message);
    });
  addRunOptions(command).action(async (line: readonly string[], options: RawRunOptions) => {
    process.exitCode = await freeze(line, options);
  });
}

const EXPLANATION = `
The standard input of the command is empty. Its output is held in memory and printed after
the thaw. The command may read frozen file systems. If it writes to one, it blocks until the
time-out; then flashfreeze thaws everything and sends SIGTERM to the command.

Exit code: the exit code of the command (128 + n if signal n ended it); 125 if a file system
was not frozen all the time, or if the options are wrong; 126 or 127 if the command cannot be
started, and then nothing was frozen.`;

/** @returns the exit code */
async function freeze(line: readonly string[], options: RawRunOptions): Promise<number> {
  exitWithIfOutputIsLost(OWN_FAILURE);
  const signals = abortOnSignals();
  let context = refusalContext(options);
  let isBegun = false;
  try {
    context = openCommandContext(options);
    const asked = runRequestOf(options, context.configuration);
    await using command = await HeldCommand.hold(line);
    const [name = ''] = line;
    isBegun = true;
    const record = await runForCommand(
      context,
      {
        origin: 'freeze',
        request: { ...asked, provider: { kind: 'command', command, name } },
        print: async (it) => {
          if (it.disks[0]?.answer.firedNs !== undefined) {
            await command.endAfterTermination();
            await command.outputArrived();
          }
          const summary = summarizeFreeze(it, name, command);
          // What the command has written belongs to the caller, and stays as it is.
          const shown = { ...redactTexts(summary, context.redaction), command: summary.command };
          print(shown, command, options.json ?? false);
        },
      },
      signals.signal,
    );
    return exitCodeOf(summarizeFreeze(record, name, command), signals);
  } catch (error) {
    reportError(error, options.json ?? false);
    if (!isBegun) {
      await keepRefusal(context, 'freeze', error);
    }
    const ours = error instanceof FlashfreezeError ? EXIT_CODES[error.code] : undefined;
    return signals.exitCode ?? ours ?? OWN_FAILURE;
  }
}

/** Standard output belongs to the command; the report on the freeze goes to standard error. */
function print(summary: FreezeSummary, command: HeldCommand, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${jsonText(summary)}\n`);
    return;
  }
  for (const { stream, bytes } of command.output.pieces()) {
    process[stream].write(bytes);
  }
  process.stderr.write(`${renderFreeze(summary)}\n`);
}

function exitCodeOf({ held, command }: FreezeSummary, { exitCode }: SignalAbort): number {
  if (exitCode !== undefined) {
    return exitCode;
  }
  if (!held) {
    return OWN_FAILURE;
  }
  return command.signal === null
    ? (command.exitCode ?? OWN_FAILURE)
    : 128 + (constants.signals[command.signal as NodeJS.Signals] ?? 0);
}
