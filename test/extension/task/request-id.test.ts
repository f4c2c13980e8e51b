import * as assert from 'uvu/assert';
import { requestIdOf } from '../../../src/extension/task/request-id.ts';
import { prepareTarget } from '../../../src/snapshot/blob/prepare-target.ts';
import { blobsAt } from '../../snapshot/blob/fixtures/blobs.ts';
import { suite } from '../../suite.ts';

const test = suite('request id of a task');

const IDS: readonly [taskId: string, requestId: string][] = [
  ['e07354cf-041e-4370-929f-25a319ce8933_1', 'e07354cf-041e-4370-929f-25a319ce8933_1'],
  ['', ''],
  ['tâche 日本\n\u{1f600}', 't_che _____'],
  ['x'.repeat(5_000), 'x'.repeat(1_000)],
];

for (const [taskId, requestId] of IDS) {
  test(`the id ${JSON.stringify(taskId.slice(0, 50))} can be sent in a header`, () => {
    assert.is(requestIdOf(taskId), requestId);
    const [blob] = blobsAt('https://a.blob.core.windows.net/vhds/os.vhd?sig=s1');
    assert.ok(blob);
    prepareTarget({ blob, metadata: [], clientRequestId: `${requestIdOf(taskId)}/64` }, 64, 65);
  });
}

test.run();
