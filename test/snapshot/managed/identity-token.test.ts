import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import {
  expiryError,
  fetchToken,
  neededUntilMs,
  tokenIn,
} from '../../../src/snapshot/managed/identity-token.ts';
import type { ImdsAnswer } from '../../../src/snapshot/managed/imds-client.ts';
import { TokenKeeper } from '../../../src/snapshot/managed/token-keeper.ts';
import { suite } from '../../suite.ts';

const test = suite('token of the managed identity');
const TOKEN = `eyJ0eXAi.${'x'.repeat(40)}.sig-_`;
const CLIENT = '12345678-1234-1234-1234-123456789012';

function answer(status: number, body: object | string): ImdsAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, retryAfterMs: undefined, body: text };
}

function errorOf(work: () => unknown): FlashfreezeError {
  try {
    work();
  } catch (error) {
    if (error instanceof FlashfreezeError) {
      return error;
    }
  }
  throw new Error('no FlashfreezeError');
}

test('a token and its end are read; both numbers are strings', () => {
  const token = tokenIn(
    answer(200, { access_token: TOKEN, expires_on: '1800000000', token_type: 'Bearer' }),
    undefined,
  );
  assert.equal(token, { text: TOKEN, expiresMs: 1_800_000_000_000 });
});

test('refusals have codes; the advice depends on what was asked, never on the description', () => {
  const multiple = { error: 'invalid_request', error_description: 'Multiple user assigned…' };
  const table: [ImdsAnswer, client: string | undefined, code: string, says: RegExp][] = [
    [answer(400, multiple), undefined, 'FF_IDENTITY_UNUSABLE', /az vm identity assign.*--identity/],
    [answer(400, multiple), CLIENT, 'FF_IDENTITY_UNUSABLE', /not 12345678-.*az vm identity show/],
    [answer(400, '<html>'), undefined, 'FF_IDENTITY_UNUSABLE', /HTTP 400\)/],
    [answer(429, ''), undefined, 'FF_METADATA_UNREACHABLE', /HTTP 429.*Try again later/],
    [answer(410, ''), undefined, 'FF_METADATA_UNREACHABLE', /HTTP 410/],
    [answer(200, {}), undefined, 'FF_METADATA_INVALID', /something else than a token/],
    [
      answer(200, { access_token: 'a b', expires_on: '1' }),
      undefined,
      'FF_METADATA_INVALID',
      /not|else/,
    ],
    [
      answer(200, { access_token: TOKEN, expires_on: 'soon' }),
      undefined,
      'FF_METADATA_INVALID',
      /else/,
    ],
  ];
  for (const [given, client, code, says] of table) {
    const error = errorOf(() => tokenIn(given, client));
    assert.is(error.code, code);
    assert.match(error.message, says);
    assert.not.ok(error.message.includes(TOKEN));
  }
});

test('one identity is named by its client id, and the audience is encoded', async () => {
  const paths: string[] = [];
  await fetchToken('https://management.azure.com/', CLIENT, async (path) => {
    paths.push(path);
    return answer(200, { access_token: TOKEN, expires_on: 1_800_000_000 });
  });
  assert.equal(paths, [
    `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F&client_id=${CLIENT}`,
  ]);
});

test('a token must live until the end of the window that is scheduled', () => {
  const nowMs = Date.parse('2026-11-29T02:00:00Z');
  assert.is(neededUntilMs(nowMs, undefined, 60_000), nowMs + 180_000);
  assert.is(neededUntilMs(nowMs, new Date(nowMs + 3_600_000), 60_000), nowMs + 3_780_000);
  assert.is(neededUntilMs(nowMs, new Date(nowMs - 1_000), 60_000), nowMs + 180_000);
  const token = { text: TOKEN, expiresMs: nowMs };
  assert.is(expiryError(token, nowMs), undefined);
  const error = expiryError(token, nowMs + 1);
  assert.is(error?.code, 'FF_IDENTITY_UNUSABLE');
  assert.match(error?.message ?? '', '2026-11-29T02:00:00.000Z');
});

test('the keeper fetches a new token only if the life of the old one is too short', async () => {
  const learned: string[] = [];
  let count = 0;
  const lifeMs = [100_000, 1_000_000];
  const keeper = new TokenKeeper({
    audience: 'https://a/',
    clientId: undefined,
    learnSecret: (secret) => learned.push(secret),
    abort: new AbortController().signal,
    fetch: async () => {
      const expiresMs = Date.now() + (lifeMs[count] ?? 0);
      count += 1;
      return { text: `token${count}`, expiresMs };
    },
  });
  assert.is(await keeper.forNow(), 'Bearer token1');
  assert.is(await keeper.forNow(), 'Bearer token1');
  assert.is(await keeper.until(Date.now() + 500_000), 'Bearer token2');
  assert.equal(learned, ['token1', 'token2']);
  try {
    await keeper.until(Date.now() + 2_000_000);
    assert.unreachable();
  } catch (error) {
    assert.is(error instanceof FlashfreezeError && error.code, 'FF_IDENTITY_UNUSABLE');
  }
});

test.run();
