/** --managed together with what a run can be asked for besides: a start time, another attempt, a proxy, a strict set. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { LoggedCall } from '../../../src/lab/managed/model.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { runSummarySchema } from '../../../src/report/schemas/run-summary.ts';
import type { RunSummary } from '../../../src/report/summary.ts';
import { type Ended, flashfreeze, type RunOptions } from '../../commands/command-line.ts';
import { STRACE_IOCTLS } from '../../faults/strace.ts';
import { suite } from '../../suite.ts';
import { TunnelProxy } from '../blob/fixtures/tunnel-proxy.ts';
import { ManagedScene } from './fixtures/scene.ts';

await enterLab({ lifetimeSeconds: 900, commands: ['strace'] });

const test = suite('flashfreeze snapshot --managed with other options');
const DISKS = [{ type: 'ext4' }, { type: 'ext4' }] as const;
const QUICK = { retryAfterSeconds: undefined, durationMs: 100 } as const;
const PAGE_BLOB = { vhdUri: 'https://acct.blob.core.windows.net/vhds/data.vhd' } as const;
const CONFIGURATION = '/etc/azure/vmbackup.conf';
const WAAGENT = '/etc/waagent.conf';

function managed(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return flashfreeze(['snapshot', '--managed', '--json', ...args], options);
}

function summaryOf({ stdout, stderr }: Ended): RunSummary {
  assert.not.equal(stdout, '', stderr);
  return v.parse(runSummarySchema, JSON.parse(stdout));
}

function inSeconds(seconds: number): Date {
  return new Date(Date.now() + seconds * 1_000);
}

async function untilCalled(scene: ManagedScene, call: LoggedCall['call']): Promise<void> {
  while (!(await scene.lab.requests()).some((it) => it.call === call)) {
    await sleep(50);
  }
}

function numberOf(calls: readonly LoggedCall[], call: LoggedCall['call']): number {
  return calls.filter((it) => it.call === call).length;
}

test('--at: a token that does not live long enough is replaced before the freeze, and the freeze starts in time', async () => {
  const lifetimes = { tokenLifetimeSeconds: 120 };
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK, ...lifetimes });
  const startAt = inSeconds(20);
  const running = managed(['--at', startAt.toISOString()]);
  await untilCalled(scene, 'get-disk');
  await scene.lab.setTokenLifetime(3_599);
  const ended = await running;
  assert.is(ended.exitCode, 0, ended.stderr);
  const summary = summaryOf(ended);
  assert.ok(Date.parse(summary.barrier ?? '') >= startAt.getTime(), ended.stdout);
  const calls = await scene.lab.requests();
  assert.is(numberOf(calls, 'token'), 2);
  const put = calls.findIndex(({ call }) => call === 'put-snapshot');
  assert.ok(calls.findLastIndex(({ call }) => call === 'token') < put);
  const sentWith = (call: LoggedCall['call']): unknown =>
    calls.find((it) => it.call === call)?.headers.authorization;
  assert.not.equal(sentWith('put-snapshot'), sentWith('get-disk'));
  assert.equal(await scene.lab.violations(), []);
});

test('--at: if no token lives until the end of the run, nothing is frozen', async () => {
  const lifetimes = { tokenLifetimeSeconds: 130 };
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK, ...lifetimes });
  const at = inSeconds(15).toISOString();
  const ended = await managed(['--at', at, '--timeout', '5']);
  assert.is(ended.exitCode, 2, ended.stdout);
  assert.match(ended.stderr, /expires at .*give an earlier --at.*FF_IDENTITY_UNUSABLE/s);
  assert.is(numberOf(await scene.lab.requests(), 'put-snapshot'), 0);
});

test('a second attempt after a stuck file system has snapshots of its own names; those of the first are deleted', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK });
  mkdirSync('/etc/azure', { recursive: true });
  writeFileSync(CONFIGURATION, '[Flashfreeze]\nwaveLimit = 2\n');
  try {
    // The first FIFREEZE of the second file system is made late; meanwhile the first disk's request leaves.
    const under = [
      ...[...STRACE_IOCTLS, '-o', '/lab/stuck.log', '-P', scene.disks.disks[1]?.mountPoint ?? ''],
      ...['-e', 'inject=ioctl:delay_enter=4000000:when=1'],
    ];
    const ended = await managed(['--fire', 'early'], { under });
    const summary = summaryOf(ended);
    assert.is(summary.freezeAttempts, 2, ended.stderr);
    assert.is(ended.exitCode, 0, ended.stdout);
    assert.is(summary.consistency, 'fileSystemConsistent');
    const [first, second] = summary.disks.map(({ snapshot }) => snapshot ?? '');
    assert.match(first ?? '', /-disk0-os-\d{8}T\d{6}Z-[0-9a-f]{8}-2$/);
    assert.match(second ?? '', /-disk1-lun0-\d{8}T\d{6}Z-[0-9a-f]{8}$/);
    assert.equal(
      summary.orphans.map(({ snapshot, deleted }) => [snapshot, deleted]),
      [[first?.slice(0, -2), true]],
    );
    const left = (await scene.lab.snapshots()).map(({ id }) => id);
    assert.equal(left.toSorted(), [first, second].toSorted());
    assert.equal(await scene.lab.violations(), []);
  } finally {
    rmSync(CONFIGURATION);
  }
});

for (const way of ['environment', 'agent'] as const) {
  test(`a proxy in the configuration of the ${way} leads to the resource manager, never to the metadata`, async () => {
    await using scene = await ManagedScene.create(DISKS, { operation: QUICK });
    await using proxy = await TunnelProxy.start();
    // Only the proxy knows the name.
    scene.lab.hideArmName();
    const url = `http://user:p%40ss@127.0.0.1:${proxy.port}`;
    const variables = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'];
    const environment =
      way === 'environment'
        ? [...variables.map((it) => `${it}=${url}`), 'NODE_USE_ENV_PROXY=1']
        : [];
    if (way === 'agent') {
      writeFileSync(
        WAAGENT,
        `HttpProxy.Host=http://user:p%40ss@127.0.0.1\nHttpProxy.Port=${proxy.port}\n`,
      );
    }
    try {
      const under = ['env', ...environment];
      const ended = await managed([], { under });
      assert.is(ended.exitCode, 0, ended.stderr);
      assert.ok(proxy.tunnels.length >= 2);
      assert.equal([...new Set(proxy.tunnels)], ['management.azure.com:443']);
      const calls = await scene.lab.requests();
      assert.ok(numberOf(calls, 'compute') >= 1 && numberOf(calls, 'token') >= 1);
      const planned = await flashfreeze(['plan', '--managed'], { under });
      assert.is(planned.exitCode, 0, planned.stderr);
      const examined = await flashfreeze(['doctor', '--managed'], { under });
      assert.match(examined.stdout, 'management.azure.com answers through a proxy');
      for (const { stdout, stderr } of [ended, planned, examined]) {
        assert.not.match(`${stdout}${stderr}`, /p@ss|p%40ss/);
      }
      assert.equal(await scene.lab.violations(), []);
    } finally {
      rmSync(WAAGENT, { force: true });
    }
  });
}

test('a useless snapshot is deleted through the proxy too', async () => {
  const operation = { ...QUICK, durationMs: 8_000 };
  await using scene = await ManagedScene.create(DISKS, { operation });
  await using proxy = await TunnelProxy.start();
  scene.lab.hideArmName();
  const under = ['env', `HTTPS_PROXY=http://user:p%40ss@127.0.0.1:${proxy.port}`];
  const ended = await managed(['--timeout', '3'], { under });
  assert.is(ended.exitCode, 1, ended.stdout);
  assert.equal(
    summaryOf(ended).orphans.map(({ deleted }) => deleted),
    [true, true],
  );
  assert.equal(await scene.lab.snapshots(), []);
});

test('--strict-match: a set without a frozen disk is refused before the freeze; a whole one is taken', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK }, [{}, PAGE_BLOB]);
  const device = scene.disks.disks[1]?.device ?? '';
  const refused = await managed(['--strict-match']);
  assert.is(refused.exitCode, 2, refused.stdout);
  assert.match(refused.stderr, `no managed disk is in the set for ${device}`);
  assert.match(refused.stderr, /Nothing was frozen\. \(FF_SET_INCOMPLETE\)/);
  assert.not.match(refused.stderr, /Give the missing blobs/);
  assert.is(numberOf(await scene.lab.requests(), 'put-snapshot'), 0);
  const wanted = await managed(['--strict-match', '--exclude-lun', '0']);
  assert.is(wanted.exitCode, 0, wanted.stderr);
});

test('without --strict-match its snapshots are taken and the run fails, unless --partial accepts it', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK }, [{}, PAGE_BLOB]);
  const ended = await managed([]);
  const summary = summaryOf(ended);
  assert.is(ended.exitCode, 1, ended.stderr);
  assert.is(summary.consistency, 'none');
  assert.match(summary.problems.join('\n'), 'no managed disk is in the set');
  assert.match(summary.warnings.join('\n'), 'it is a page blob');
  const partial = await managed(['--partial']);
  assert.is(partial.exitCode, 0, partial.stderr);
  assert.equal(
    (await scene.lab.snapshots()).map(({ disk }) => disk),
    ['disk0', 'disk0'],
  );
});

test('a managed disk without a device is told once', async () => {
  await using scene = await ManagedScene.create(DISKS, { operation: QUICK });
  await scene.lab.addDisk({ name: 'detached', lun: 5 });
  const ended = await managed([]);
  const { warnings } = summaryOf(ended);
  assert.is(warnings.filter((it) => /detached/.test(it)).length, 1, warnings.join('\n'));
  assert.not.match(warnings.join('\n'), /content|blob/);
});

test.run();
