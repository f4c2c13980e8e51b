/** The blocks of src/docs/how-to/several-vms.md. */
import { execFileSync } from 'node:child_process';
import * as assert from 'uvu/assert';
import { startTimeOf } from '../../src/commands/run-options.ts';
import { interpretSettings } from '../../src/extension/settings/task-settings.ts';
import { suite } from '../suite.ts';
import { blocksOf, textOf } from './pages.ts';

const test = suite('page on several VMs');
const BLOCKS = blocksOf(textOf('src/docs/how-to/several-vms.md'), 'sh');

function printedBy(script: string): string {
  return execFileSync('sh', ['-euc', script], { encoding: 'utf8' }).trim();
}

test('the ticks that the page computes are those of the time that it names', () => {
  const line = BLOCKS.find((block) => block.includes('621355968000000000')) ?? '';
  const [, time = ''] = /-d '([^']+)'/.exec(line) ?? [];
  const settings = {
    commandToExecute: 'snapshot',
    commandStartTimeUTCTicks: printedBy(line),
    objectStr: Buffer.from('{"backupMetadata": []}').toString('base64'),
  };
  const { start } = interpretSettings(settings, undefined);
  assert.is(start?.at.getTime(), new Date(time).getTime());
});

test('the time for --at is one that --at takes, five minutes ahead', () => {
  const [line = ''] = BLOCKS.find((block) => block.startsWith('at='))?.split('\n') ?? [];
  const now = new Date();
  const at = startTimeOf(printedBy(`${line}; echo "$at"`), now);
  assert.ok(Math.abs((at?.getTime() ?? 0) - now.getTime() - 300_000) < 30_000);
});

test.run();
