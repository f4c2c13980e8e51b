import * as assert from 'uvu/assert';
import { type Diagnosis, diagnose } from '../../src/freezer/diagnosis.ts';
import type { KernelWait } from '../../src/freezer/kernel-stack.ts';
import { freezePhase } from '../../src/freezer/kernel-stack.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import {
  cycle,
  imageOnFrozen,
  logElsewhere,
  selfWatch,
  servedImage,
} from '../deadlock/scenarios.ts';
import { suite } from '../suite.ts';

await enterLab();

const test = suite('diagnosis');

const whoWaits = ({ waiting }: Diagnosis, waitsFor: KernelWait): number[] =>
  waiting.filter((task) => task.waitsFor === waitsFor).map(({ pid }) => pid);

for (const [name, make, phases] of [
  ['an image on a frozen file system', imageOnFrozen, ['write-back']],
  ['an image behind a FUSE daemon', servedImage('reopen'), ['write-back']],
  ['a permission daemon', logElsewhere('reopen'), ['writers']],
  ['a daemon that logs to what it watches', selfWatch, ['writers']],
  ['a cycle', cycle, ['writers', 'write-back']],
] as const) {
  test(`${name}: the phase of the freeze and the waiting tasks are found`, async () => {
    await using scenario = await make();
    const stuck = await scenario.freezePlainly();
    await Promise.all(stuck.map((freeze) => freeze.isStuck()));
    const stacks = await Promise.all(stuck.map((freeze) => freeze.stack()));
    assert.equal(stacks.map(freezePhase), phases);
    // Here other processes freeze, so the threads do not belong to this process.
    const diagnosis = await diagnose([], []);
    // The lab shows no kernel threads, so no task is visible for an image without a daemon.
    const daemon = scenario.permissionDaemon?.pid;
    const blocked = whoWaits(diagnosis, 'thaw');
    assert.is(blocked.length > 0, make !== imageOnFrozen);
    assert.ok(daemon === undefined || blocked.includes(daemon));
    const opening = whoWaits(diagnosis, 'permission');
    assert.is(opening.length > 0, scenario.openers !== undefined);
    assert.ok(opening.every((pid) => scenario.openers?.pids.includes(pid)));
  });
}

test.run();
