import type { Command } from 'commander';
import { putWorkloadTemplate } from '../config/workload-template.ts';
import { startCleanUp } from '../extension/clean-up.ts';
import { enable } from '../extension/enable.ts';
import { type Installation, readInstallation } from '../extension/installation.ts';
import { disable, uninstall, update } from '../extension/removal.ts';
import type { TaskOrder } from '../extension/task/run-task.ts';
import { openTaskContext } from '../extension/task/task-context.ts';
import { receiveSettings } from '../extension/task-process.ts';
import { printable } from '../log/printable.ts';
import { reportError } from './exit.ts';
import type { FirstStep } from './first-step.ts';
import { abortOnSignals } from './signals.ts';

/** The commands of HandlerManifest.json; the agent runs them in the extension's directory. */
export function addExtensionCommand(program: Command, firstStep: FirstStep): void {
  const extension = program
    .command('extension')
    .description('Commands of the Azure VM extension; the guest agent runs them');
  const add = (
    name: string,
    description: string,
    action: (installation: Installation) => Promise<void>,
  ): Command =>
    extension
      .command(name)
      .description(description)
      .action(async () => action(await readInstallation()));
  const addQuick: typeof add = (name, description, action) =>
    add(name, description, async (installation) => {
      try {
        await action(installation);
      } finally {
        await startCleanUp(installation, warn);
      }
    });
  addQuick('install', 'Prepare the extension for its first enable', install);
  addQuick('enable', 'Start the task in the settings if it is new', (installation) =>
    enable(installation, firstStep.found),
  );
  add('disable', 'End the running task', (installation) =>
    disable(installation, firstStep.found, warn),
  );
  addQuick('update', 'Take over the task history of the previous version', update);
  add(
    'uninstall',
    'Remove the files that the extension made outside its directory',
    (installation) => uninstall(installation, firstStep.found, warn),
  );
  addProcesses(extension, firstStep);
}

/** The commands of the processes that the agent's commands start. */
function addProcesses(extension: Command, firstStep: FirstStep): void {
  extension
    .command('run', { hidden: true })
    .description('Run a task; enable starts this command')
    .option('--interrupted', 'only report that the task was interrupted (default: run the task)')
    .action(async ({ interrupted }: { readonly interrupted?: true }) => {
      const signals = abortOnSignals();
      // Loaded here: enable must be quick and does not need the modules of a run.
      const { runTask } = await import('../extension/task/run-task.ts');
      const installation = await readInstallation();
      const sequenceNumber = installation.agent.sequenceNumber ?? 0;
      const work = interrupted === true ? 'report' : 'run';
      const order: TaskOrder = { sequenceNumber, settings: receiveSettings(), work };
      await runTask(installation, order, signals.signal, firstStep.found);
    });
  extension
    .command('clean-up', { hidden: true })
    .description(
      'Run the clean-up that dead runs left pending; other commands of the extension start this command',
    )
    .action(async () => {
      // The first step has done the work.
      const { log } = await openTaskContext(await readInstallation(), 0);
      for (const sentence of firstStep.found) {
        log.warning(sentence);
      }
    });
  extension
    .command('poll', { hidden: true })
    .description('Take the snapshots that the host requests; enable starts this command')
    .action(async () => {
      const signals = abortOnSignals();
      const { runPollingService } = await import('../extension/polling/run-service.ts');
      await runPollingService(await readInstallation(), signals.signal, firstStep.found);
    });
}

function warn(message: string): void {
  process.stderr.write(`flashfreeze: ${printable(message)}\n`);
}

/**
 * Starts every part once, which leaves their compiled code in the cache for a quick enable, and puts the template of
 * workload.conf if there is none. A part that does not run is not a reason to fail: the reason for a failed install
 * is not shown anywhere, and enable reports it.
 */
async function install(): Promise<void> {
  const { checkParts } = await import('../extension/self-check.ts');
  await checkParts().catch((error: unknown) => reportError(error));
  const problem = putWorkloadTemplate();
  if (problem !== undefined) {
    warn(problem);
  }
}
