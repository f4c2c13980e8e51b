import * as assert from 'uvu/assert';
import { isPollingWanted } from '../../../src/extension/polling/service.ts';
import type { Pair } from '../../../src/extension/task-types.ts';
import { suite } from '../../suite.ts';
import { taskSettings } from '../snapshot-method/task-settings.ts';

const test = suite('wish for the polling service');

const CASES: readonly (readonly [dynamicConfigs: readonly Pair[], isWanted: boolean])[] = [
  [[], false],
  [[['EnableVMSnapshotExtensionPolling', 'true']], true],
  [[['EnableVMSnapshotExtensionPolling', 'True']], true],
  [[['EnableVMSnapshotExtensionPolling', 'false']], false],
  [[['EnableVMSnapshotExtensionPolling', 'perhaps']], false],
  [[['isSnapshotTtlEnabled', 'true']], false],
];

for (const [dynamicConfigs, isWanted] of CASES) {
  test(`${JSON.stringify(dynamicConfigs)}: ${isWanted}`, () => {
    assert.is(isPollingWanted(taskSettings({ dynamicConfigs })), isWanted);
  });
}

test.run();
