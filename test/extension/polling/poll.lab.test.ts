import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { HostFault } from '../../../src/lab/host/model.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runCommand } from '../../../src/lab/run-command.ts';
import { suite } from '../../suite.ts';
import { INTERVAL_MS, PollScene } from './poll-scene.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('polling service');

test('three rounds with a snapshot each, the host restarted in between; then it ends', async () => {
  await using scene = await PollScene.create();
  scene.start();
  for (const snapshotId of ['one', 'two', 'three']) {
    const { started, published } = await scene.snapshot({ snapshotId });
    assert.equal(started, { snapshotId, errMsg: '' }, await scene.log());
    assert.equal(published, { snapshotId, errMsg: '' }, await scene.log());
    if (snapshotId === 'two') {
      await scene.restartHost();
    }
  }
  await scene.stop();
  const asked = (await scene.host.requests()).length;
  await sleep(3 * INTERVAL_MS);
  assert.is((await scene.host.requests()).length, asked, 'it still asks');
  assert.is((await scene.log()).match(/is consistent/g)?.length, 3);
});

test('the host is asked for nothing else between freeze and thaw', async () => {
  await using scene = await PollScene.create(60);
  scene.start();
  await scene.snapshot({ snapshotId: 'held' });
  const requests = await scene.host.requests();
  const [start] = requests.filter(({ call }) => call === 'start-snapshot');
  const during = requests.filter(
    ({ receivedNs, answeredNs = 0n }) =>
      receivedNs < (start?.answeredNs ?? 0n) && answeredNs > (start?.receivedNs ?? 0n),
  );
  assert.equal(
    during.map(({ call }) => call),
    ['start-snapshot'],
  );
});

test('the connection of startsnapshot has been proved right before the freeze', async () => {
  await using scene = await PollScene.create();
  scene.start();
  await scene.snapshot({ snapshotId: 'warm' });
  const requests = await scene.host.requests();
  const [start] = requests.filter(({ call }) => call === 'start-snapshot');
  const asked = requests.filter(
    ({ receivedNs, connection }) =>
      receivedNs < (start?.receivedNs ?? 0n) && connection === start?.connection,
  );
  assert.equal(
    asked.map(({ call }) => call),
    ['check-for-snapshot', 'versions', 'versions'],
  );
});

test('one that the host closes after every answer is had again for startsnapshot', async () => {
  await using scene = await PollScene.create();
  await scene.host.setFault({ call: 'versions', fault: { kind: 'close-after' } });
  scene.start();
  const { published } = await scene.snapshot({ snapshotId: 'cold' });
  assert.is(published.errMsg, '', await scene.log());
});

/** An order, but for its end: more than is read of an answer. */
const TOO_LONG = `{"snapshotId": "long", "luns": [0${', 0'.repeat(2_000_000)}]}`;

const GARBAGE: readonly (readonly [name: string, HostFault])[] = [
  ['garbage', { kind: 'garbage' }],
  ['a reset', { kind: 'reset' }],
  ['half an answer', { kind: 'half-answer' }],
  ['an empty body', { kind: 'answer', status: 200, body: '' }],
  ['an order without a name', { kind: 'answer', status: 200, body: '{"snapshotId": null}' }],
  ['an error page', { kind: 'answer', status: 500, body: '<h1>no</h1>' }],
  ['an order of six million characters', { kind: 'answer', status: 200, body: TOO_LONG }],
];

for (const [name, fault] of GARBAGE) {
  test(`goes on after ${name}`, async () => {
    await using scene = await PollScene.create();
    await scene.host.setFault({ call: 'check-for-snapshot', fault, times: 2 });
    scene.start();
    const { published } = await scene.snapshot({ snapshotId: 'after' });
    assert.equal(published, { snapshotId: 'after', errMsg: '' });
    assert.is((await scene.requests('start-snapshot')).length, 1);
    // Told once, and shortly.
    assert.is(scene.lines.length, 1);
    assert.ok(scene.lines.join('').length < 300);
  });
}

test('an order of very many disks is carried out, and does not fill the log', async () => {
  await using scene = await PollScene.create();
  scene.start();
  const luns = Array.from({ length: 100_000 }, (_, index) => index);
  const { published } = await scene.snapshot({ snapshotId: 'many', luns });
  assert.is(published.errMsg, '');
  assert.ok((await scene.log()).length < 10_000);
});

test('tells the host with both calls where nothing could be frozen, and takes the next one', async () => {
  await using scene = await PollScene.create();
  const [disk] = scene.disks.disks;
  await runCommand('fsfreeze', ['--freeze', disk?.mountPoint ?? '']);
  try {
    scene.start();
    const { started, published } = await scene.snapshot({ snapshotId: 'foreign' });
    assert.match(started.errMsg, 'already frozen');
    assert.is(published.error?.code, '121');
  } finally {
    await runCommand('fsfreeze', ['--unfreeze', disk?.mountPoint ?? '']);
  }
  assert.is((await scene.snapshot({ snapshotId: 'own' })).published.errMsg, '');
});

test('a start that the host refuses is published as a fault', async () => {
  await using scene = await PollScene.create();
  const fault = { kind: 'answer', status: 503, body: '' } as const;
  await scene.host.setFault({ call: 'start-snapshot', fault });
  scene.start();
  const { published } = await scene.snapshot({ snapshotId: 'refused' });
  assert.match(published.errMsg, 'startsnapshot');
});

test('a host that takes nine seconds is not waited for: what is held longer does not count', async () => {
  await using scene = await PollScene.create();
  await scene.host.setFault({ call: 'start-snapshot', fault: { kind: 'slow', delayMs: 60_000 } });
  scene.start();
  await scene.host.order({ snapshotId: 'slow' });
  const [published] = await scene.told('publish-snapshot', 'slow');
  assert.is(published?.error?.code, '76');
  const requests = await scene.host.requests();
  const start = requests.find(({ call }) => call === 'start-snapshot');
  const publish = requests.find(({ call }) => call === 'publish-snapshot');
  assert.ok(start !== undefined && publish !== undefined);
  assert.ok(start.answeredNs === undefined || start.answeredNs > publish.receivedNs, 'waited');
});

test('waits for a freeze of somebody else’s, by the lock that all freezers share', async () => {
  await using scene = await PollScene.create();
  const other = await startOtherFreezer();
  scene.start();
  await scene.host.order({ snapshotId: 'later' });
  await scene.requests('versions');
  assert.is(
    (await scene.host.requests()).filter(({ call }) => call === 'start-snapshot').length,
    0,
  );
  other.stdin.end();
  const [published] = await scene.told('publish-snapshot', 'later');
  assert.is(published?.errMsg, '', await scene.log());
});

test('ends by itself where the extension’s directory is gone', async () => {
  await using scene = await PollScene.create();
  scene.isInstalled = false;
  scene.start();
  await scene.ended();
  assert.equal(await scene.host.requests(), []);
});

async function startOtherFreezer() {
  const program = join(import.meta.dirname, 'fixtures/other-freezer.ts');
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

test.run();
