import type { Command } from 'commander';
import { addListCommand, addPruneCommand } from './snapshots-options.ts';
import { addVerifyCommand } from './snapshots-verify.ts';

export function addSnapshotsCommand(program: Command): void {
  const snapshots = program
    .command('snapshots')
    .description('List, verify and prune stored restore points and their snapshots');
  addListCommand(snapshots);
  addVerifyCommand(snapshots);
  addPruneCommand(snapshots);
}
