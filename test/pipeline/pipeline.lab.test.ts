/** What holds for every run, whatever its origin. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { PENDING_DIRECTORY } from '../../src/backup/journal/pending-cleanup.ts';
import { DEFAULT_VM_BACKUP_CONFIGURATION } from '../../src/config/vmbackup.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { HeldLog } from '../../src/log/held-log.ts';
import { Redaction } from '../../src/log/redaction.ts';
import { TaskLog } from '../../src/log/task-log.ts';
import { type PipelineSteps, runPipeline } from '../../src/pipeline/pipeline.ts';
import { QUIESCE_PATHS } from '../../src/quiesce/read-configuration.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('pipeline');

function contextOf(metricsFile?: string) {
  const redaction = new Redaction();
  const lines = new TaskLog([]);
  return {
    lines,
    context: {
      redaction,
      log: new HeldLog({ sink: lines, redaction }),
      configuration: { ...DEFAULT_VM_BACKUP_CONFIGURATION, metricsFile },
    },
  };
}

/** Steps that write down what is done. */
function stepsOf(done: string[], take: PipelineSteps<string>['take']): PipelineSteps<string> {
  return {
    applications: QUIESCE_PATHS,
    take,
    refused: (error) => `refused: ${error instanceof Error ? error.message : String(error)}`,
    tell: async (result) => {
      done.push(`tell ${result}`);
    },
    toKeep: (result) => ({
      ending: { kind: 'refused', error: { code: 'FF_USAGE', message: result } },
      identity: { origin: 'snapshot', taskId: 'task' },
      folder: undefined,
    }),
  };
}

test('the result is reported before anything is kept', async () => {
  const metrics = '/lab/run.prom';
  const { context } = contextOf(metrics);
  const done: string[] = [];
  const steps = stepsOf(done, async () => 'taken');
  const { result } = await runPipeline(context, {
    ...steps,
    tell: async (it) => {
      await steps.tell(it);
      done.push((await readFile(metrics, 'utf8').catch(() => '')) === '' ? 'nothing kept' : 'kept');
    },
  });
  assert.is(result, 'taken');
  assert.equal(done, ['tell taken', 'nothing kept']);
  assert.match(await readFile(metrics, 'utf8'), 'flashfreeze_last_run');
});

test('whatever ends it before the freeze becomes a result that is reported', async () => {
  const { context } = contextOf();
  const done: string[] = [];
  await runPipeline(
    context,
    stepsOf(done, async () => {
      throw new FlashfreezeError('FF_USAGE', 'no');
    }),
  );
  assert.equal(done, ['tell refused: no']);
});

test('files of applications are read only when there is a snapshot to take, and clean-up runs once', async () => {
  await runCommand('mkdir', ['-p', PENDING_DIRECTORY]);
  const script = '/lab/post.sh';
  await runCommand('sh', [
    '-c',
    `printf '#!/bin/sh\\necho ran >> /lab/ran; exit 3\\n' > ${script}; chmod 700 ${script}`,
  ]);
  const entry = {
    process: { pid: 0, startTicks: '1' },
    begun: '2026-11-22T00:00:00.000Z',
    owed: [
      { kind: 'script', command: { path: script, parameters: [], retries: 0 }, timeoutMs: 5_000 },
    ],
  };
  await runCommand('sh', [
    '-c',
    `cat > ${join(PENDING_DIRECTORY, 'dead.json')} <<'END'\n${JSON.stringify(entry)}\nEND`,
  ]);
  const { context, lines } = contextOf();
  const done: string[] = [];
  await runPipeline(
    context,
    stepsOf(done, async () => 'nothing to do'),
  );
  assert.is(await readFile('/lab/ran', 'utf8'), 'ran\n');
  assert.match(lines.text(), 'post.sh');
  assert.equal(done, ['tell nothing to do']);
});

test.run();
