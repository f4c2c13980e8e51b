/**
 * The negative controls of the code that detects and breaks deadlocks: in each scenario a freeze without
 * that code hangs, and the expected remedy releases it.
 */
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import type { DeadlockScenario } from './scenario.ts';
import {
  cycle,
  imageOnFrozen,
  logElsewhere,
  type ScenarioFactory,
  selfWatch,
  servedImage,
} from './scenarios.ts';

await enterLab();

const test = suite('plain freeze');

async function thaw(scenario: DeadlockScenario, index: number): Promise<boolean> {
  const thawed = await tryCommand('fsfreeze', ['--unfreeze', scenario.mountPoint(index)]);
  return thawed.code === 0;
}

const RELEASED_BY_THAW: readonly (readonly [name: string, make: ScenarioFactory])[] = [
  ['an image on a frozen file system', imageOnFrozen],
  ['a permission daemon that logs to a frozen file system', logElsewhere('keep')],
  ['a permission daemon that opens its log there every time', logElsewhere('reopen')],
  ['an image served by a daemon that logs to a frozen file system', servedImage('keep')],
  ['an image served by a daemon that opens its log there every time', servedImage('reopen')],
];

for (const [name, make] of RELEASED_BY_THAW) {
  test(`${name} makes it hang until that is thawed`, async () => {
    await using scenario = await make();
    const [stuck] = await scenario.freezePlainly();
    assert.ok(await stuck?.isStuck());
    assert.ok(await thaw(scenario, 0));
    assert.is(await stuck?.ended, 0);
    assert.ok(await thaw(scenario, 1));
    await scenario.goesOn();
    assert.ok(scenario.watchdog.isAsleep);
  });
}

for (const type of ['xfs', 'btrfs'] as const) {
  test(`it hangs behind a permission daemon on ${type} too`, async () => {
    await using scenario = await logElsewhere('keep')({ type });
    const [stuck] = await scenario.freezePlainly();
    assert.ok(await stuck?.isStuck());
    assert.ok(await thaw(scenario, 0));
    assert.is(await stuck?.ended, 0);
  });
}

test('freezing the image before its holder, and thawing in the opposite order, does not hang', async () => {
  await using scenario = await imageOnFrozen();
  await scenario.dirty(1);
  assert.is(await scenario.freeze(1).ended, 0);
  assert.is(await scenario.freeze(0).ended, 0);
  assert.ok(await thaw(scenario, 0));
  assert.ok(await thaw(scenario, 1));
  await scenario.goesOn();
});

test('in a cycle no thaw helps, because nothing is frozen completely; ending the openers does', async () => {
  await using scenario = await cycle();
  const stuck = await scenario.freezePlainly();
  assert.equal(await Promise.all(stuck.map((freeze) => freeze.isStuck())), [true, true]);
  assert.not.ok(await thaw(scenario, 0));
  assert.ok(await stuck[0]?.isStuck());
  await scenario.release();
  assert.equal(await Promise.all(stuck.map(({ ended }) => ended)), [0, 0]);
  assert.ok(scenario.permissionDaemon?.isRunning);
});

test('a daemon that logs to what it watches makes a single freeze hang, and no thaw helps', async () => {
  await using scenario = await selfWatch();
  const [stuck] = await scenario.freezePlainly();
  assert.ok(await stuck?.isStuck());
  assert.not.ok(await thaw(scenario, 0));
  assert.ok(await stuck?.isStuck());
  await scenario.release();
  assert.is(await stuck?.ended, 0);
  assert.ok(scenario.permissionDaemon?.isRunning);
});

test('the watchdog releases what nothing else releases', async () => {
  await using scenario = await selfWatch();
  const [stuck] = await scenario.freezePlainly();
  assert.ok(await stuck?.isStuck());
  assert.ok(scenario.watchdog.isAsleep);
  scenario.watchdog.wake();
  assert.is(await stuck?.ended, 0);
  assert.not.ok(scenario.watchdog.isAsleep);
});

test.run();
