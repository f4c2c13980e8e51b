import { exitOnError, failIfOutputIsLost } from './commands/exit.ts';
import { createProgram } from './commands/program.ts';
import { wantsJson } from './commands/wants-json.ts';

failIfOutputIsLost();
const program = createProgram();
await exitOnError(
  () => program.parseAsync(process.argv),
  wantsJson(program, process.argv.slice(2)),
);
