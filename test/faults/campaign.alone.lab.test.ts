import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { playCampaign, withGround } from '../../bench/faults/campaign.ts';
import { type Drawn, FAULT_KINDS } from '../../bench/faults/draw.ts';
import { describeRound, isGood, renderCampaign } from '../../bench/faults/report.ts';
import { playRound } from '../../bench/faults/round.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('campaign');
const SEED = 3;
const HARMLESS: Drawn = {
  kind: 'crash-lane',
  latencyMs: 10,
  from: 'start',
  delayMs: 60_000,
  lastsMs: 0,
  gapMs: 0,
  signal: undefined,
  thread: 'main',
};

test('ten rounds of faults at random moments leave nothing frozen and nothing behind', async () => {
  const results = await playCampaign({ rounds: 10, seed: SEED, lanes: 1, kinds: FAULT_KINDS });
  assert.is(results.length, 10);
  assert.equal(results.flatMap(describeRound).join('\n'), '');
  assert.ok(isGood(results));
  assert.match(renderCampaign(results, SEED), '10 rounds, seed 3: 0 left frozen');
});

test('what is left frozen is noticed, counted and thawed', async () => {
  await withGround(1, async (ground) => {
    await runCommand('fsfreeze', ['--freeze', ground.watch.mountPoints[3] ?? '']);
    const frozen = await playRound(ground, HARMLESS);
    assert.ok(frozen.leftFrozen);
    assert.not.ok(isGood([frozen]));
    assert.match(renderCampaign([frozen], SEED), '1 rounds, seed 3: 1 left frozen');
    const next = await playRound(ground, HARMLESS);
    assert.equal(describeRound(next), []);
  });
});

test('so are a process and expedited grace periods', async () => {
  await withGround(1, async (ground) => {
    const child = spawn('sleep', ['100'], { stdio: 'ignore' });
    writeFileSync('/sys/kernel/rcu_expedited', ground.gracePeriods === '0' ? '1' : '0');
    const { problems } = await playRound(ground, HARMLESS);
    assert.match(problems.join('\n'), `process ${child.pid} (sleep) was left`);
    assert.match(problems.join('\n'), 'rcu_expedited is');
    assert.equal(describeRound(await playRound(ground, HARMLESS)), []);
  });
});

test.run();
