import './unoptimized.ts';
import { exitOnError } from './commands/exit.ts';
import { createProgram } from './commands/program.ts';

await exitOnError(() => createProgram().parseAsync(process.argv));
