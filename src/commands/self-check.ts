import type { Command } from 'commander';
import { checkParts } from '../extension/self-check.ts';

export function addSelfCheckCommand(program: Command): void {
  program
    .command('self-check')
    .description('Load and start every part of flashfreeze; freezes nothing')
    .action(async () => {
      await checkParts();
      process.stdout.write(`every part of flashfreeze runs here, on Node.js ${process.version}\n`);
    });
}
