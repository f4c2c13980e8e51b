import * as assert from 'uvu/assert';
import { SNAPSHOT_METHODS } from '../../../src/config/vmbackup.ts';
import { decideSnapshotMethod } from '../../../src/extension/snapshot-method/method.ts';
import { combinationsOf } from '../../combinations.ts';
import { suite } from '../../suite.ts';
import { taskSettings } from './task-settings.ts';

const test = suite('who takes the snapshots');

const BOTH = [false, true] as const;
const INPUTS = combinationsOf({
  configured: [undefined, ...SNAPSHOT_METHODS],
  asked: [undefined, ...SNAPSHOT_METHODS],
  luns: [undefined, [], [-1, 3], [-1, 3, 7]],
  accelerated: [[], [7]],
  excluded: BOTH,
  writeAccelerated: BOTH,
  guestState: BOTH,
  directDrive: BOTH,
});

type Input = (typeof INPUTS)[number];

/** What settings.md speaks of. */
interface Facts {
  readonly excludedWithoutList: boolean;
  readonly hostOnlyDisk: boolean;
  readonly acceleratedLun: boolean;
}

/** The rules of settings.md as rows: the first whose conditions hold decides. */
const RULES: readonly (readonly [Partial<Facts>, 'onlyHost' | 'onlyGuest' | 17 | 'as asked'])[] = [
  [{ excludedWithoutList: true, hostOnlyDisk: true }, 17],
  [{ excludedWithoutList: true, hostOnlyDisk: false }, 'onlyGuest'],
  [{ hostOnlyDisk: true }, 'onlyHost'],
  [{ acceleratedLun: true }, 'onlyHost'],
  [{}, 'as asked'],
];

function expectedOf(input: Input): string | number {
  const { luns, excluded, writeAccelerated, guestState, directDrive, accelerated } = input;
  const facts: Facts = {
    excludedWithoutList: excluded && (luns === undefined || luns.length === 0),
    hostOnlyDisk: writeAccelerated || guestState || directDrive,
    acceleratedLun: accelerated.length === 1 && luns?.length === 3,
  };
  const names = ['excludedWithoutList', 'hostOnlyDisk', 'acceleratedLun'] as const;
  const [, result] =
    RULES.find(([when]) => names.every((name) => (when[name] ?? facts[name]) === facts[name])) ??
    [];
  return result === 'as asked' ? wantedBy(input) : (result ?? 'no rule');
}

function wantedBy({ configured, asked }: Input): string {
  return configured ?? asked ?? 'firstHostThenGuest';
}

test('every combination of the inputs follows the rules', () => {
  assert.is(INPUTS.length, 3_200);
  for (const input of INPUTS) {
    const settings = taskSettings({
      includedDisks: {
        luns: input.luns,
        isAnyDiskExcluded: input.excluded,
        isAnyWriteAcceleratedDiskIncluded: input.writeAccelerated,
        isVmgsBlobIncluded: input.guestState,
        isAnyDirectDriveDiskIncluded: input.directDrive,
      },
      custom: { takeSnapshotFrom: input.asked, writeAcceleratedLuns: input.accelerated },
    });
    const decision = decideSnapshotMethod(settings, input.configured);
    const taken = decision.kind === 'take' ? decision.method : 17;
    assert.is(taken, expectedOf(input), JSON.stringify(input));
    // Whoever is overruled is told why; nobody else is.
    const reason = decision.kind === 'take' ? decision.forcedBecause : decision.reason;
    assert.is(reason !== undefined, taken !== wantedBy(input), JSON.stringify(input));
  }
});

test('a write-accelerated disk that is not included forces nothing', () => {
  const settings = taskSettings({
    includedDisks: { luns: [1] },
    custom: { writeAcceleratedLuns: [2] },
  });
  assert.equal(decideSnapshotMethod(settings, 'onlyGuest'), {
    kind: 'take',
    method: 'onlyGuest',
    forcedBecause: undefined,
  });
});

test.run();
