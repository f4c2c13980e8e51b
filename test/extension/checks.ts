import * as assert from 'uvu/assert';
import type { GoalStateOutcome } from '../../src/lab/agent/guest-agent.ts';
import type { ReportedStatus } from '../../src/lab/agent/status-report.ts';
import { RESULTS, type ResultCode } from '../../src/result-codes.ts';
import type { Scene, Task } from './scene.ts';
import type { StatusBlob } from './task-blobs.ts';

/** Fails unless exactly these commands ran and all ended with 0. */
export function assertCommands({ commands }: GoalStateOutcome, names: readonly string[]): void {
  assert.equal(
    commands.map(({ name, exitCode }) => `${name} ${exitCode}`),
    names.map((name) => `${name} 0`),
    commands.map(({ output }) => output).join('\n'),
  );
}

/** What stands in `code`: 761 is only the reason of it. */
function outcomeOf(code: ResultCode): string {
  return code === 761 ? '76' : String(code);
}

/** Fails where the agent reports something else than a readable, whole status with that code. */
export async function assertReported(
  { agent }: Scene,
  code: ResultCode,
  circumstances = '',
): Promise<ReportedStatus> {
  const report = await agent.report();
  if (report.kind !== 'reported') {
    throw new Error(`the agent reports ${JSON.stringify(report)}`);
  }
  assert.is(report.code, outcomeOf(code), `${circumstances} ${report.message}`);
  assert.is(report.operation, 'Enable');
  assert.is(report.cut, false);
  for (const substatus of report.substatuses) {
    assert.is(substatus.status, 'success');
    assert.ok(substatus.message !== undefined && substatus.name !== undefined);
    JSON.parse(substatus.name ?? '');
  }
  return report;
}

/** Fails unless the status blob tells that result of that task. */
export async function assertBlobStatus(
  { blobs, taskId }: Task,
  code: ResultCode,
): Promise<StatusBlob> {
  const text = await blobs.statusText();
  const blob = await blobs.status();
  if (blob === undefined) {
    throw new Error('nothing has been written to the status blob');
  }
  assert.match(text, /"timestampUTC":\s*"\\\/Date\(\d+\)\\\/"/);
  assert.is(blob.status.code, outcomeOf(code), blob.status.formattedMessage.message);
  assert.is(blob.status.vmHealthInfo?.vmHealthStatusCode, code);
  assert.is(blob.status.taskId, taskId);
  assert.is(blob.status.operation, 'Enable');
  const message = JSON.parse(blob.status.formattedMessage.message) as { messageStr: string };
  assert.match(message.messageStr, `StatusCode.${RESULTS[code].name},`);
  return blob;
}

/** The value of a telemetry key; undefined if it is missing. */
export function telemetry({ status }: StatusBlob, key: string): string | undefined {
  return status.telemetryData.find(({ Key }) => Key === key)?.Value;
}
