import { spawnSync } from 'node:child_process';
import * as assert from 'uvu/assert';
import { BlobLanes } from '../../../src/snapshot/blob/lanes.ts';
import type { Preflight } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';
import { type Identity, trustOwnAuthority } from './fixtures/authority.ts';
import { Peer } from './fixtures/peer.ts';
import { targets } from './fixtures/window.ts';

const authority = trustOwnAuthority(import.meta.filename);
const test = suite('TLS of the lanes');

async function preflightWith(identity: Identity): Promise<Preflight | undefined> {
  await using peer = await Peer.start(identity);
  await using lanes = await BlobLanes.open(targets(peer.origin, 1));
  const [found] = await lanes.preflight();
  return found;
}

test('an authority of NODE_EXTRA_CA_CERTS is trusted inside the threads', async () => {
  assert.is((await preflightWith(authority.trusted))?.ok, true);
});

for (const [name, remedy] of [
  ['untrusted', 'NODE_EXTRA_CA_CERTS'],
  ['misnamed', 'another name'],
] as const) {
  test(`a certificate that is ${name} is refused, with a remedy`, async () => {
    const found = await preflightWith(authority[name]);
    assert.ok(found?.ok === false);
    assert.is(found.failure.kind, 'tls');
    assert.match(found.failure.message, remedy);
  });
}

test('a certificate is refused even if the environment disables verification', () => {
  const script = `
    import { BlobLanes } from '${new URL('../../../src/snapshot/blob/lanes.ts', import.meta.url)}';
    import { Peer } from '${new URL('fixtures/peer.ts', import.meta.url)}';
    import { targets } from '${new URL('fixtures/window.ts', import.meta.url)}';
    import { readFileSync } from 'node:fs';
    const [key, cert] = ['key', 'pem'].map((end) => readFileSync('${authority.folder}/trusted.' + end));
    await using peer = await Peer.start({ key, cert });
    await using lanes = await BlobLanes.open(targets(peer.origin, 1));
    const [found] = await lanes.preflight();
    console.log(found.ok ? 'trusted' : found.failure.kind);`;
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    encoding: 'utf8',
  });
  assert.is(run.stdout.trim(), 'tls', run.stderr);
});

test.run();
