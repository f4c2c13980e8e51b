import * as v from 'valibot';
import { described, flag, nullable, number, text } from './described.ts';
import { warnings } from './fields.ts';
import {
  application,
  clock,
  fileSystems,
  freezeAttempts,
  phasesMs,
  problems,
  windowMs,
} from './run-summary.ts';

const command = v.strictObject({
  program: text('The program alone: its arguments may hold secrets.'),
  started: flag('True if the command was started, which is only done when everything is frozen.'),
  exitCode: nullable(
    v.number(),
    'Exit code of the command; null if it was not started, was ended by a signal or has not ended.',
  ),
  signal: nullable(
    v.string(),
    'Name of the signal that ended the command, e.g. SIGKILL; null if none did.',
  ),
  durationMs: nullable(
    v.number(),
    'Milliseconds that the command ran while everything was frozen; null if it was not started.',
  ),
  stdout: text('What the command wrote to its standard output.'),
  stderr: text('What the command wrote to its standard error.'),
  lostBytes: number(
    'Bytes that the command wrote to both after 16 MiB were held in memory, and that are lost.',
  ),
});

export const freezeSummarySchema = described(
  v.strictObject({
    held: flag(
      'True if flashfreeze held every file system frozen from before the command began until after it had ended.',
    ),
    barrier: nullable(
      v.string(),
      'Instant from which every file system was frozen, ISO 8601 in UTC; null if it was never reached.',
    ),
    windowMs,
    command: described(command, 'The command that was run while everything was frozen.'),
    fileSystems,
    freezeAttempts,
    application,
    clock,
    phasesMs,
    problems,
    warnings,
  }),
  'What `flashfreeze freeze --json` prints. Stable.',
);
