import * as v from 'valibot';
import { described, text } from './described.ts';

export const refusalSchema = described(
  v.strictObject({
    code: text('Stable code of the error, e.g. FF_USAGE.'),
    message: text('What was given, what was expected and what to do, for people.'),
  }),
  'What a command with --json prints in place of its output if it fails before it has one.',
);
