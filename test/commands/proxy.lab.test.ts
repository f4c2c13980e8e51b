import { rmSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { enterLab } from '../../src/lab/namespace.ts';
import { TunnelProxy } from '../snapshot/blob/fixtures/tunnel-proxy.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('snapshots through a proxy');
const ACCOUNT = 'account.blob.core.windows.net';
const WAAGENT = '/etc/waagent.conf';

/** The rig's blobs under a name that only the proxy resolves. */
function blobArguments(rig: Rig): string[] {
  return rig.server.urls.flatMap((text) => {
    const url = new URL(text);
    url.hostname = ACCOUNT;
    return ['--blob', url.href];
  });
}

async function snapshot(rig: Rig, environment: readonly string[] = []): Promise<Ended> {
  return await flashfreeze(['snapshot', ...blobArguments(rig), '--json'], {
    under: ['env', ...environment],
  });
}

test('as the environment says, with a user name and a password that nobody gets to see', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  await using proxy = await TunnelProxy.start();
  const ended = await snapshot(rig, [`HTTPS_PROXY=http://user:p%40ss@127.0.0.1:${proxy.port}`]);
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.is(proxy.tunnels.length, 2);
  assert.not.match(`${ended.stdout}${ended.stderr}`, /p@ss|p%40ss/);
  assert.is((await rig.server.snapshots('disk1')).length, 1);
});

test('as the guest agent is configured', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await using proxy = await TunnelProxy.start();
  writeFileSync(
    WAAGENT,
    `HttpProxy.Host=http://user:p%40ss@127.0.0.1\nHttpProxy.Port=${proxy.port}\n`,
  );
  try {
    const ended = await snapshot(rig);
    assert.is(ended.exitCode, 0, ended.stderr);
    assert.is(proxy.tunnels.length, 1);
  } finally {
    rmSync(WAAGENT);
  }
});

test('without one, or past one, the name leads nowhere, and nothing was frozen', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  await using proxy = await TunnelProxy.start();
  const proxied = `HTTPS_PROXY=http://user:p%40ss@127.0.0.1:${proxy.port}`;
  for (const environment of [[], [proxied, 'NO_PROXY=.core.windows.net']]) {
    const ended = await snapshot(rig, environment);
    assert.is(ended.exitCode, 2);
    assert.match(ended.stderr, /FF_BLOB_UNREACHABLE/);
  }
  assert.is(proxy.tunnels.length, 0);
});

test.run();
