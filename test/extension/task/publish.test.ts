import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../../src/config/vmbackup.ts';
import { readInstallation } from '../../../src/extension/installation.ts';
import type { ReportSettings } from '../../../src/extension/settings/report-settings.ts';
import { statusFileExists } from '../../../src/extension/status/status-file.ts';
import { publish } from '../../../src/extension/task/publish.ts';
import { NO_REPORT_SETTINGS } from '../../../src/extension/task/read-task.ts';
import type { TaskContext } from '../../../src/extension/task/task-context.ts';
import { briefReport } from '../../../src/extension/task/task-report.ts';
import { beginTask, readHandled, recordHandled } from '../../../src/extension/task-history.ts';
import { HeldLog } from '../../../src/log/held-log.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { TaskLog } from '../../../src/log/task-log.ts';
import { suite } from '../../suite.ts';
import { startSilentServer } from '../silent-server.ts';

const test = suite('report of a result');

interface Desk extends AsyncDisposable {
  readonly context: TaskContext;
  readonly directory: string;
  readonly statusFolder: string;
  readonly statusFile: string;
}

/** A task with number 3 that was begun and recorded. */
async function desk(): Promise<Desk> {
  const lib = await mkdtemp(join(tmpdir(), 'flashfreeze-publish-'));
  const directory = join(lib, 'Some.Publisher.SnapshotLinux-1.0.0.1');
  const folders = { logFolder: 'log', configFolder: 'config', statusFolder: 'status' };
  for (const folder of Object.values(folders)) {
    await mkdir(join(directory, folder), { recursive: true });
  }
  const environment = JSON.stringify({ handlerEnvironment: folders });
  await writeFile(join(directory, 'HandlerEnvironment.json'), environment);
  const installation = await readInstallation({ AZURE_GUEST_AGENT_EXTENSION_PATH: directory });
  const redaction = new Redaction();
  const taskLog = new TaskLog([]);
  await beginTask(directory, 3);
  await recordHandled(directory, { sequenceNumber: 3, taskId: 'a_1' }, undefined);
  return {
    context: {
      installation,
      sequenceNumber: 3,
      configuration: DEFAULT_VM_BACKUP_CONFIGURATION,
      redaction,
      log: new HeldLog({ sink: taskLog, redaction }),
      taskLog,
      uniqueMachineId: '',
      openssl: undefined,
      proxyFor: () => undefined,
    },
    directory,
    statusFolder: installation.handler.statusFolder,
    statusFile: join(installation.handler.statusFolder, '3.status'),
    [Symbol.asyncDispose]: () => rm(lib, { recursive: true }),
  };
}

async function publishTo({ context }: Desk, wish: Partial<ReportSettings> = {}): Promise<void> {
  const settings = { ...NO_REPORT_SETTINGS, taskId: 'a_1', ...wish };
  const report = briefReport(context, settings, 1, 'good');
  await publish(context, settings, report, AbortSignal.abort());
}

test('the task is finished once its status is written, while the log is still being sent', async () => {
  await using task = await desk();
  await writeFile(task.statusFile, '[]');
  await using silent = await startSilentServer();
  const published = publishTo(task, { logsBlobUri: silent.url });
  await silent.asked;
  const { isFinished } = await readHandled(task.directory, undefined);
  await silent[Symbol.asyncDispose]();
  assert.is(isFinished, true);
  await published;
});

test('a status file that did not fit when the task was begun is written at its end', async () => {
  await using task = await desk();
  await publishTo(task);
  assert.match(await readFile(task.statusFile, 'utf8'), '"code":"1"');
});

test('one that a newer sequence number has replaced does not come back', async () => {
  await using task = await desk();
  const isBack = (): Promise<boolean> => statusFileExists(task.statusFolder, 3);
  await writeFile(join(task.statusFolder, '4.status'), '[]');
  await publishTo(task);
  assert.is(await isBack(), false);
  await rm(join(task.statusFolder, '4.status'));
  await recordHandled(task.directory, { sequenceNumber: 4, taskId: 'b_1' }, undefined);
  await publishTo(task);
  assert.is(await isBack(), false);
});

test.run();
