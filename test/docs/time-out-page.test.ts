/** The numbers of src/docs/how-to/time-out.md against those of the program. */
import * as assert from 'uvu/assert';
import {
  DEFAULT_VM_BACKUP_CONFIGURATION,
  parseVmBackupConfiguration,
} from '../../src/config/vmbackup.ts';
import { CONSISTENT_WITHIN_MS } from '../../src/extension/polling/run-order.ts';
import { LATEST_START_MS } from '../../src/extension/task/read-task.ts';
import { SILENCE_MS, USUAL_MS } from '../../src/snapshot/http/retry.ts';
import { USUAL_OPERATION_MS } from '../../src/snapshot/managed/disk-answer.ts';
import { suite } from '../suite.ts';
import { blocksOf, textOf } from './pages.ts';

const test = suite('time-out page');
const PAGE = textOf('src/docs/how-to/time-out.md');
const { timeoutMs, waveLimitMs, flushLimitMs, patienceMs } = DEFAULT_VM_BACKUP_CONFIGURATION;

/** The cell of a row of a table, by the first cell of the row. */
function cellOf(row: string, column: number): string {
  const [, line = ''] = new RegExp(`^\\| ${row} (\\|.*)$`, 'm').exec(PAGE) ?? [];
  return line.split('|')[column]?.trim() ?? '';
}

const NUMBERS: readonly [string, number, number][] = [
  ['time-out', 1, timeoutMs],
  ['wave limit', 1, waveLimitMs],
  ['patience', 1, patienceMs],
  ['flush limit', 1, flushLimitMs],
  ['second request', 1, SILENCE_MS],
  ["host's limit", 1, CONSISTENT_WITHIN_MS],
  ['page blobs', 2, USUAL_MS + patienceMs],
  ['managed disks, VM restore points', 2, USUAL_OPERATION_MS + patienceMs],
  ['host service, `freeze --`', 2, timeoutMs],
  ['a freeze that gets stuck', 2, 2 * waveLimitMs],
];

for (const [row, column, milliseconds] of NUMBERS) {
  test(`${row}: ${milliseconds / 1_000} s`, () => {
    assert.is(cellOf(row, column), `${milliseconds / 1_000} s`);
  });
}

test('the usual times and the latest start', () => {
  const counts = cellOf('patience', 3);
  assert.match(counts, `(${USUAL_MS / 1_000} s; managed disks ${USUAL_OPERATION_MS / 1_000} s)`);
  assert.is(cellOf('late start', 1), `${LATEST_START_MS / 60_000} min`);
});

test('the sample follows the rule of the page for T = 5 s', () => {
  const [sample = ''] = blocksOf(PAGE, 'ini');
  const { configuration, warnings } = parseVmBackupConfiguration(sample, 'vmbackup.conf');
  assert.equal(warnings, []);
  assert.is(configuration.timeoutMs, 5_000);
  assert.ok(configuration.patienceMs + USUAL_MS <= configuration.timeoutMs);
  assert.ok(configuration.waveLimitMs <= configuration.timeoutMs / 2);
});

test.run();
