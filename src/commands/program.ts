import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { addCompletionCommand } from './completion.ts';
import { addDoctorCommand } from './doctor.ts';
import { addExamples } from './examples.ts';
import { addExtensionCommand } from './extension.ts';
import { FirstStep, type FirstStepWork, lookAfterDeadRuns } from './first-step.ts';
import { addFreezeCommand } from './freeze.ts';
import { addLabCommand } from './lab.ts';
import { addManualCommand } from './manual.ts';
import { tellMisuse } from './misuse.ts';
import { addPlanCommand } from './plan.ts';
import { addReportCommand } from './report.ts';
import { addRestoreCommand } from './restore.ts';
import { addSchemaCommand } from './schema.ts';
import { addSelfCheckCommand } from './self-check.ts';
import { addSetupCommand } from './setup.ts';
import { addSnapshotCommand } from './snapshot.ts';
import { addSnapshotsCommand } from './snapshots.ts';
import { addStatusCommand } from './status.ts';
import { addThawCommand } from './thaw.ts';

/**
 * The command line. A misspelt option or command is refused, and the message suggests the closest one.
 *
 * @param work the work before every command
 */
export function createProgram(work: FirstStepWork = lookAfterDeadRuns): Command {
  const program = new Command('flashfreeze')
    .description(packageJson.description)
    .version(packageJson.version)
    .showSuggestionAfterError()
    // What follows the command that freeze runs belongs to that command.
    .enablePositionalOptions()
    .exitOverride();
  const firstStep = new FirstStep(program, work);
  addSnapshotCommand(program);
  addFreezeCommand(program);
  addPlanCommand(program);
  addThawCommand(program);
  addReportCommand(program);
  addStatusCommand(program, firstStep);
  addDoctorCommand(program);
  addSnapshotsCommand(program);
  addRestoreCommand(program);
  addSetupCommand(program);
  addSchemaCommand(program);
  addCompletionCommand(program);
  addManualCommand(program);
  addSelfCheckCommand(program);
  addExtensionCommand(program, firstStep);
  addLabCommand(program);
  addExamples(program);
  tellMisuse(program);
  return program;
}
