import * as assert from 'uvu/assert';
import { SNAPSHOT_METHODS } from '../../../src/config/vmbackup.ts';
import { FlashfreezeError } from '../../../src/errors.ts';
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
  readonly identityWanted: boolean;
  readonly hostOnlyDisk: boolean;
  readonly acceleratedLun: boolean;
}

/** The rules of settings.md as rows: the first whose conditions hold decides. */
const RULES: readonly (readonly [Partial<Facts>, 'onlyHost' | 'as asked'])[] = [
  [{ identityWanted: true }, 'as asked'],
  [{ hostOnlyDisk: true }, 'onlyHost'],
  [{ acceleratedLun: true }, 'onlyHost'],
  [{}, 'as asked'],
];

function expectedOf(input: Input): string {
  const { luns, writeAccelerated, guestState, directDrive, accelerated } = input;
  const facts: Facts = {
    identityWanted: wantedBy(input) === 'managedIdentity',
    hostOnlyDisk: writeAccelerated || guestState || directDrive,
    acceleratedLun: accelerated.length === 1 && luns?.length === 3,
  };
  const names = ['identityWanted', 'hostOnlyDisk', 'acceleratedLun'] as const;
  const [, result] =
    RULES.find(([when]) => names.every((name) => (when[name] ?? facts[name]) === facts[name])) ??
    [];
  return result === 'as asked' ? wantedBy(input) : (result ?? 'no rule');
}

function wantedBy({ configured, asked }: Input): string {
  return configured ?? asked ?? 'firstHostThenGuest';
}

test('every combination of the inputs follows the rules', () => {
  assert.is(INPUTS.length, 4_608);
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
    const { method, forcedBecause } = decideSnapshotMethod(settings, input.configured);
    assert.is(method, expectedOf(input), JSON.stringify(input));
    // A reason is given if the method is not the requested one, and only then.
    assert.is(forcedBecause !== undefined, method !== wantedBy(input), JSON.stringify(input));
  }
});

test('a write-accelerated disk that is not included forces nothing', () => {
  const settings = taskSettings({
    includedDisks: { luns: [1] },
    custom: { writeAcceleratedLuns: [2] },
  });
  assert.equal(decideSnapshotMethod(settings, 'onlyGuest'), {
    method: 'onlyGuest',
    forcedBecause: undefined,
  });
});

const lunProblem = new FlashfreezeError('FF_SETTINGS_INVALID', 'dataDiskLunList must be LUNs.');

test('if the LUNs cannot be read, the guest takes the snapshots, unless only others may', () => {
  for (const asked of [undefined, ...SNAPSHOT_METHODS]) {
    const settings = taskSettings({ includedDisks: { lunProblem } });
    if (asked === 'onlyHost' || asked === 'managedIdentity') {
      assert.throws(() => decideSnapshotMethod(settings, asked), lunProblem.message);
    } else {
      const { method, forcedBecause } = decideSnapshotMethod(settings, asked);
      assert.is(method, 'onlyGuest');
      assert.is(forcedBecause !== undefined, asked !== 'onlyGuest', asked);
    }
  }
});

test('if the LUNs cannot be read and only the host can take the snapshots, the task is refused', () => {
  for (const flag of [
    'isAnyWriteAcceleratedDiskIncluded',
    'isVmgsBlobIncluded',
    'isAnyDirectDriveDiskIncluded',
  ]) {
    const settings = taskSettings({ includedDisks: { lunProblem, [flag]: true } });
    assert.throws(() => decideSnapshotMethod(settings, 'onlyGuest'), lunProblem.message);
  }
});

test.run();
