import * as assert from 'uvu/assert';
import type { ManagedIdentity } from '../../../src/lab/managed/model.ts';
import { userIdentity } from '../../../src/lab/managed/options.ts';
import { suite } from '../../suite.ts';
import { at, DISK_VERSION, Rig } from './fixtures/rig.ts';

const test = suite('tokens of the lab');

const first = userIdentity('first');
const second = userIdentity('second');
const system: ManagedIdentity = { ...userIdentity('lab-vm'), kind: 'system' };

type Case = readonly [
  what: string,
  identities: readonly ManagedIdentity[],
  query: string,
  /** The identity that is given a token, or the error. */
  given: ManagedIdentity | RegExp,
];
const cases: readonly Case[] = [
  ['no identity', [], '', /^Identity not found$/],
  ['the system-assigned one', [system], '', system],
  ['the only user-assigned one', [first], '', first],
  ['two user-assigned ones', [first, second], '', /^Multiple user assigned identities exist/],
  ['the system-assigned one before others', [first, second, system], '', system],
  ['by client id', [first, second], `&client_id=${second.clientId}`, second],
  ['by object id', [first, second], `&object_id=${second.objectId.toUpperCase()}`, second],
  ['by resource id', [first, second], `&msi_res_id=${second.resourceId}`, second],
  ['by the name of another service', [first, system], `&mi_res_id=${first.resourceId}`, system],
  [
    'by two ids',
    [first],
    `&client_id=${first.clientId}&object_id=${first.objectId}`,
    /^Only one of/,
  ],
  ['unknown client id', [first], `&client_id=${second.clientId}`, /^Identity not found$/],
];
test('chooses the identity as section 1 says', async () => {
  await using rig = await Rig.start();
  for (const [what, identities, query, given] of cases) {
    await rig.lab.setIdentities(identities);
    const reply = await rig.tokenReply(query);
    if (given instanceof RegExp) {
      assert.is(reply.status, 400, what);
      assert.is(at(reply, 'error'), 'invalid_request', what);
      assert.match(String(at(reply, 'error_description')), given, what);
    } else {
      assert.is(reply.status, 200, what);
      assert.is(at(reply, 'client_id'), given.clientId, what);
    }
  }
});

test('what a token is, and that it comes from the platform’s cache', async () => {
  await using rig = await Rig.start();
  const reply = await rig.tokenReply();
  const left = Number(at(reply, 'expires_on')) - Math.floor(Date.now() / 1000);
  assert.ok(left > 3500 && left <= 3599, String(left));
  assert.type(at(reply, 'expires_in'), 'string');
  assert.is(at(reply, 'token_type'), 'Bearer');
  assert.is(at(reply, 'refresh_token'), '');
  assert.is(at(reply, 'resource'), 'https://management.azure.com/');
  assert.is(at(await rig.tokenReply(), 'access_token'), at(reply, 'access_token'));
  await rig.lab.setTokenLifetime(60);
  assert.is.not(at(await rig.tokenReply(), 'access_token'), at(reply, 'access_token'));
});

test('no resource, and a resource that is none', async () => {
  await using rig = await Rig.start();
  const none = await rig.metadata('identity/oauth2/token?api-version=2018-02-01');
  assert.is(none.status, 400);
  const unknown = await rig.tokenReply('', 'https://example.org/');
  assert.is(unknown.status, 400);
  assert.is(at(unknown, 'error'), 'invalid_resource');
});

test('the resource manager refuses every token but its own, while it lasts', async () => {
  await using rig = await Rig.start();
  const target = `${rig.lab.diskId('disk0')}?${DISK_VERSION}`;
  const codeOf = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
    const reply = await rig.armWith(headers, 'GET', target);
    if (reply.status !== 200) {
      assert.is(reply.status, 401);
      assert.match(reply.headers['www-authenticate'] ?? '', /^Bearer /);
    }
    return at(reply, 'error.code');
  };
  const bearer = (token: unknown) => ({ Authorization: `Bearer ${token}` });
  assert.is(await codeOf({}), 'AuthenticationFailed');
  assert.is(await codeOf(bearer('eyJ.made.up')), 'InvalidAuthenticationToken');
  const storage = await rig.tokenReply('', 'https://storage.azure.com/');
  assert.is(
    await codeOf(bearer(at(storage, 'access_token'))),
    'InvalidAuthenticationTokenAudience',
  );
  const token = await rig.token();
  assert.is(await codeOf(bearer(token)), undefined);
  await rig.lab.revokeTokens();
  assert.is(await codeOf(bearer(token)), 'InvalidAuthenticationToken');
  await rig.lab.setTokenLifetime(0);
  const expired = at(await rig.tokenReply(), 'access_token');
  assert.is(await codeOf(bearer(expired)), 'ExpiredAuthenticationToken');
});

test('other clouds have other audiences', async () => {
  await using rig = await Rig.start({ vm: { environment: 'AzureChinaCloud' } });
  const target = `${rig.lab.diskId('disk0')}?${DISK_VERSION}`;
  assert.is((await rig.arm('GET', target)).status, 401);
  const own = await rig.tokenReply('', 'https://management.chinacloudapi.cn/');
  const headers = { Authorization: `Bearer ${at(own, 'access_token')}` };
  assert.is((await rig.armWith(headers, 'GET', target)).status, 200);
});

test('neither tokens nor signed URLs are in the log', async () => {
  await using rig = await Rig.start();
  const accepted = await rig.put('s1');
  await rig.end(accepted);
  const signature = new URL(accepted.headers['azure-asyncoperation'] ?? '').searchParams.get('s');
  const log = (await rig.lab.requests()).map((call) =>
    JSON.stringify(call, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  const token = await rig.token();
  assert.ok(log.length > 2);
  assert.not.ok(log.some((line) => line.includes(token) || line.includes(signature ?? token)));
  assert.ok(log.some((line) => /Bearer sha256:[0-9a-f]{12}/.test(line)));
});

test.run();
