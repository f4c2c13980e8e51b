import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';

export function addLabCommand(program: Command): void {
  program
    .command('lab')
    .description('Take a real snapshot of real disks in a lab of their own, and remove it again')
    .option('--disks <count>', 'number of disks', '8')
    .action(async () => {
      throw new FlashfreezeError('FF_LAB_UNAVAILABLE', 'the lab is part of a source checkout only');
    });
}
