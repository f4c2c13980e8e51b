import { setFlagsFromString } from 'node:v8';
import { exitOnError } from './commands/exit.ts';
import { createProgram } from './commands/program.ts';

// Optimizing pays in programs that run for long. Here it is the window's code that becomes hot, and compiling
// it took processors from the window: with 64 disks on 2 cores 5 ms, and 4 MB.
setFlagsFromString('--no-opt');
setFlagsFromString('--no-maglev');

await exitOnError(() => createProgram().parseAsync(process.argv));
