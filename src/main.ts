import './disable-optimizing.ts';
import { exitOnError } from './commands/exit.ts';
import { createProgram } from './commands/program.ts';

// The reader of the output may be gone (a closed terminal, `| head`). That must not end a run half-way.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => {});
}
await exitOnError(() => createProgram().parseAsync(process.argv));
