import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../../src/config/vmbackup.ts';
import { readAgentEnvironment } from '../../../src/extension/environment.ts';
import { toKeep } from '../../../src/extension/task/run-task.ts';
import type { TaskContext } from '../../../src/extension/task/task-context.ts';
import { type Conclusion, concludeTaken } from '../../../src/extension/task/task-result.ts';
import { HeldLog } from '../../../src/log/held-log.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { TaskLog } from '../../../src/log/task-log.ts';
import { endPipeline } from '../../../src/pipeline/pipeline.ts';
import { goodRecord } from '../../backup/fixtures/records.ts';
import { suite } from '../../suite.ts';

const test = suite('timeline of a task');
const GUEST = {
  name: 'guestExtension',
  hostStatusCodePreSnapshot: undefined,
  hostStatusCodeDoSnapshot: undefined,
} as const;
const CONCLUSION = concludeTaken(
  { creator: GUEST, result: { ok: true, record: goodRecord(2), failedFreeze: undefined } },
  [],
);
const FOLDERS = {
  name: 'Some.Publisher.SnapshotLinux',
  configFolder: '/nowhere',
  statusFolder: '/nowhere',
  heartbeatFile: undefined,
  eventsFolder: undefined,
};

function deskIn(folder: string, logFolder: string): TaskContext {
  const redaction = new Redaction();
  const taskLog = new TaskLog([]);
  return {
    installation: {
      directory: folder,
      libDirectory: folder,
      version: '1.0.0.1',
      handler: { ...FOLDERS, logFolder },
      agent: readAgentEnvironment({}),
    },
    sequenceNumber: 1,
    configuration: {
      ...DEFAULT_VM_BACKUP_CONFIGURATION,
      metricsFile: join(folder, 'flashfreeze.prom'),
    },
    redaction,
    log: new HeldLog({ sink: taskLog, redaction }),
    taskLog,
    uniqueMachineId: '',
    openssl: undefined,
    proxyFor: () => undefined,
  };
}

async function end(context: TaskContext, conclusion: Conclusion): Promise<void> {
  const steps = { tell: async () => {}, toKeep: () => toKeep(context, 'task', conclusion) };
  await endPipeline(context, steps, conclusion);
}

/** What a warning of the log says, and the metrics, where timelines are kept below `logFolder`. */
async function told(logFolder: string): Promise<{ log: string; metrics: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-timeline-'));
  try {
    await writeFile(join(folder, 'file'), '');
    const context = deskIn(folder, join(folder, logFolder));
    await end(context, CONCLUSION);
    return {
      log: context.taskLog.text(),
      metrics: await readFile(join(folder, 'flashfreeze.prom'), 'utf8'),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('the metrics are told where it is kept', async () => {
  const { log, metrics } = await told('log');
  assert.is(log, '');
  assert.match(metrics, /^flashfreeze_last_run_snapshots\{host="[^"]+",origin="extension"\} 2$/m);
});

test('where it cannot be kept a warning says so, and the metrics are told all the same', async () => {
  const { log, metrics } = await told('file');
  assert.match(log, /cannot keep the run's timeline in .*: ENOTDIR; /);
  assert.match(metrics, /^flashfreeze_last_run_snapshots\{host="[^"]+",origin="extension"\} 2$/m);
});

test('a task that only installs is no run: it leaves no timeline, and the metrics of the last run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flashfreeze-timeline-'));
  try {
    const context = deskIn(folder, folder);
    const installed = { ...CONCLUSION, code: 1 as const, record: undefined, snapshots: [] };
    const seen = async (): Promise<unknown> => [
      await readFile(join(folder, 'flashfreeze.prom'), 'utf8').catch(() => undefined),
      await readdir(join(folder, 'runs')).catch(() => undefined),
    ];
    await end(context, installed);
    assert.equal(await seen(), [undefined, undefined]);
    await end(context, CONCLUSION);
    const before = await seen();
    await end(context, installed);
    assert.equal(await seen(), before);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
