import type { Command } from 'commander';
import { enable } from '../extension/enable.ts';
import { type Installation, readInstallation } from '../extension/installation.ts';
import { disable, uninstall, update } from '../extension/removal.ts';
import type { TaskOrder } from '../extension/task/run-task.ts';
import { receiveSettings } from '../extension/task-process.ts';
import { reportError } from './exit.ts';
import type { FirstStep } from './first-step.ts';
import { abortOnSignals } from './signals.ts';

/** The commands of HandlerManifest.json; the agent runs them in the extension's directory. */
export function addExtensionCommand(program: Command, firstStep: FirstStep): void {
  const extension = program
    .command('extension')
    .description('Commands of the Azure VM extension, run by the guest agent');
  const add = (
    name: string,
    description: string,
    action: (installation: Installation) => Promise<void>,
  ): Command =>
    extension
      .command(name)
      .description(description)
      .action(async () => action(await readInstallation()));
  add('install', 'Make ready for enable', install);
  add('enable', 'Start the task of the settings, if it is a new one', (installation) =>
    enable(installation, firstStep.found),
  );
  add('disable', 'End the task that runs', (installation) =>
    disable(installation, firstStep.found),
  );
  add('update', 'Take over what the version before had handled', update);
  add('uninstall', 'Remove what was made outside the directory', (installation) =>
    uninstall(installation, firstStep.found, (message) =>
      process.stderr.write(`flashfreeze: ${message}\n`),
    ),
  );
  extension
    .command('run', { hidden: true })
    .description('Run a task; started by enable')
    .option('--interrupted', 'only report that it was interrupted')
    .action(async ({ interrupted }: { readonly interrupted?: true }) => {
      using signals = abortOnSignals();
      // Enable must be quick, and does without all that a run needs.
      const { runTask } = await import('../extension/task/run-task.ts');
      const installation = await readInstallation();
      const sequenceNumber = installation.agent.sequenceNumber ?? 0;
      const work = interrupted === true ? 'report' : 'run';
      const order: TaskOrder = { sequenceNumber, settings: receiveSettings(), work };
      await runTask(installation, order, signals.signal, firstStep.found);
    });
  extension
    .command('poll', { hidden: true })
    .description('Take the snapshots that the host asks for; started by enable')
    .action(async () => {
      using signals = abortOnSignals();
      const { runPollingService } = await import('../extension/polling/run-service.ts');
      await runPollingService(await readInstallation(), signals.signal, firstStep.found);
    });
}

/**
 * Starts every part once, which leaves their compiled code behind for a quick enable. What cannot run
 * here is no reason to fail: nobody would see why, while enable reports it.
 */
async function install(): Promise<void> {
  const { checkParts } = await import('../extension/self-check.ts');
  await checkParts().catch((error: unknown) => reportError(error));
}
