import { join } from 'node:path';

/** Set by a run of the tests to the bundle that it makes of the program, which starts faster (test/bundled-program.ts). */
export const PROGRAM_VARIABLE = 'FLASHFREEZE_LAB_PROGRAM';

/** The checkout's own, file by file. */
export const SOURCE_PROGRAM = join(import.meta.dirname, '../flashfreeze.js');

/** What is started as `flashfreeze`: the checkout's own, or the bundle that stands for it. */
export function programPath(): string {
  return process.env[PROGRAM_VARIABLE] ?? SOURCE_PROGRAM;
}
