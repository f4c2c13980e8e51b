import * as assert from 'uvu/assert';
import { readPlan } from '../../src/filesystems/read-plan.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import type { DeadlockScenario } from './scenario.ts';
import { cycle, imageOnFrozen, logElsewhere, selfWatch, servedImage } from './scenarios.ts';

await enterLab();

const test = suite('deadlocks seen beforehand');

interface Order {
  readonly waves: readonly (readonly number[])[];
  readonly thawsAfter: readonly (readonly number[])[];
  readonly warnings: readonly string[];
}

/** What the plan says about a scenario; numbers are those of its disks. */
async function orderOf(scenario: DeadlockScenario): Promise<Order> {
  const plan = await readPlan({ include: [], skip: [] });
  const diskOf = (index: number): number =>
    scenario.disks.findIndex(
      ({ mountPoint }) => mountPoint === plan.fileSystems[index]?.mountPoint,
    );
  assert.is(plan.fileSystems.length, scenario.disks.length);
  return {
    waves: plan.waves.map((wave) => wave.map(diskOf).sort()),
    thawsAfter: scenario.disks.map((_, disk) => {
      const index = [...plan.fileSystems.keys()].find((candidate) => diskOf(candidate) === disk);
      return (plan.thawsAfter[index ?? -1] ?? []).map(diskOf);
    }),
    warnings: plan.warnings ?? [],
  };
}

for (const [name, make] of [
  ['an image on another file system', imageOnFrozen],
  ['a permission daemon with an open log', logElsewhere('keep')],
  ['an image behind a FUSE daemon with an open log', servedImage('keep')],
  ['an image behind a FUSE daemon whose log is not open', servedImage('reopen')],
] as const) {
  test(`${name}: what depends on it comes first, and no freeze gets stuck`, async () => {
    await using scenario = await make();
    const { waves, thawsAfter } = await orderOf(scenario);
    assert.equal(waves, [[1], [0]]);
    await scenario.dirty(1);
    for (const position of waves.flat()) {
      assert.is(await scenario.freeze(position).ended, 0);
    }
    assert.ok(!(thawsAfter[0] ?? []).includes(1));
    for (const position of [0, 1]) {
      await runCommand('fsfreeze', ['--unfreeze', scenario.mountPoint(position)]);
    }
    await scenario.goesOn();
    assert.ok(scenario.watchdog.isAsleep);
  });
}

for (const [name, make] of [
  ['in an image', imageOnFrozen],
  ['behind a FUSE daemon', servedImage('keep')],
] as const) {
  test(`what lies ${name} is thawed after what it is written through`, async () => {
    await using scenario = await make();
    assert.equal((await orderOf(scenario)).thawsAfter, [[], [0]]);
  });
}

test('a permission daemon that opens its log for every line is not seen', async () => {
  await using scenario = await logElsewhere('reopen')();
  assert.equal((await orderOf(scenario)).waves, [[0, 1]]);
});

test('the file systems of a cycle are frozen one after the other, and named', async () => {
  await using scenario = await cycle();
  const { waves, warnings } = await orderOf(scenario);
  assert.equal(waves, [[1], [0]]);
  const [warning = ''] = warnings.filter((text) => text.includes('need each other'));
  assert.match(warning, `pid ${scenario.permissionDaemon?.pid}`);
});

test('a daemon that logs to what it watches is named', async () => {
  await using scenario = await selfWatch();
  const { waves, warnings } = await orderOf(scenario);
  assert.equal(waves, [[0]]);
  assert.match(warnings[0] ?? '', `${scenario.mountPoint(0)} cannot be written to without itself`);
  assert.match(warnings[0] ?? '', `pid ${scenario.permissionDaemon?.pid}`);
});

test.run();
