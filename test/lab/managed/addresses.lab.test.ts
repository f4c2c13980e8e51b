import { lookup } from 'node:dns/promises';
import * as assert from 'uvu/assert';
import { METADATA_ADDRESS } from '../../../src/lab/managed/lab-addresses.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { suite } from '../../suite.ts';
import { at, Rig } from './fixtures/rig.ts';

await enterLab();

const test = suite('the cloud’s own addresses in the lab');

test('metadata on its link-local address, the resource manager under its own name', async () => {
  await using rig = await Rig.start({ at: 'lab' });
  assert.is(rig.lab.metadataUrl, `http://${METADATA_ADDRESS}`);
  assert.is(rig.lab.armUrl, 'https://management.azure.com');
  // With the certificates that any process in the lab has (NODE_EXTRA_CA_CERTS).
  const metadata = await fetch(
    `${rig.lab.metadataUrl}/metadata/instance/compute?api-version=2021-12-13`,
    { headers: { Metadata: 'true' } },
  );
  assert.is(metadata.status, 200);
  const anonymous = await fetch(`${rig.lab.armUrl}${rig.snapshotPath('s1')}`);
  assert.is(anonymous.status, 401);
  const accepted = await rig.put('s1');
  assert.match(
    accepted.headers.location ?? '',
    /^https:\/\/management\.azure\.com\/subscriptions\//,
  );
  assert.is(at(await rig.end(accepted), 'status'), 'Succeeded');
});

test('one lab after another, and a name that leads nowhere', async () => {
  await using rig = await Rig.start({ at: 'lab', vm: { environment: 'AzureChinaCloud' } });
  assert.is(rig.lab.armUrl, 'https://management.chinacloudapi.cn');
  assert.is((await fetch(`${rig.lab.armUrl}/`)).status, 401);
  const { hostname } = new URL(rig.lab.armUrl);
  assert.is((await lookup(hostname)).address, '127.0.0.1');
  rig.lab.hideArmName();
  const code = await lookup(hostname).then(
    () => 'found',
    (error: NodeJS.ErrnoException) => error.code ?? 'none',
  );
  assert.match(code, /ENOTFOUND|EAI_AGAIN/);
});

test.run();
