import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { LabHost } from '../../../src/lab/host/lab-host.ts';
import type { HostFault } from '../../../src/lab/host/model.ts';
import { HostClient } from '../../../src/snapshot/host/host-client.ts';
import {
  type PreSnapshot,
  preSnapshot,
  readPreSnapshot,
  secretsOfPreSnapshot,
} from '../../../src/snapshot/host/pre-snapshot.ts';
import { suite } from '../../suite.ts';

const test = suite('pre-snapshot');

const REQUEST = { taskId: 'task_1', snapshotTaskToken: 'the-token', isVmAdeEnabled: false };
const never = new AbortController().signal;

async function askWith(fault: HostFault | undefined): Promise<PreSnapshot> {
  await using host = await LabHost.start();
  if (fault !== undefined) {
    await host.setFault({ call: 'pre-snapshot', fault });
  }
  await using client = HostClient.open(host.address);
  return await preSnapshot(client, REQUEST, never);
}

test('returns the host’s answer, with the time of the host’s clock', async () => {
  await using host = await LabHost.start();
  await using client = HostClient.open(host.address);
  const answer = await preSnapshot(client, { ...REQUEST, isVmAdeEnabled: true }, never);
  assert.is(answer.statusCode, 200);
  assert.ok(answer.succeeded);
  assert.is(answer.problem, undefined);
  assert.ok(Math.abs((answer.responseTime?.getTime() ?? 0) - Date.now()) < 5_000);
  const [request] = await host.requests();
  assert.is(request?.headers.backup, 'true');
  assert.is(request?.headers['content-type'], 'application/json');
  assert.is(request?.headers.useragent, 'VMSnapshot');
  assert.equal(JSON.parse(request?.body ?? ''), {
    taskId: 'task_1',
    snapshotTaskToken: 'the-token',
    preSnapshotSettings: [{ Key: 'isVMADEEnabled', Value: true }],
  });
});

const FAULTS: readonly (readonly [what: string, fault: HostFault, statusCode: number])[] = [
  ['a refusal', { kind: 'answer', status: 404, body: 'no' }, 404],
  ['the service’s own 500', { kind: 'answer', status: 500, body: '{ "error": "busy" }' }, 500],
  ['somebody else’s 500', { kind: 'answer', status: 500, body: '<html>oops</html>' }, 556],
  ['an empty 500', { kind: 'answer', status: 500, body: '' }, 556],
  ['an empty success', { kind: 'answer', status: 200, body: '' }, 557],
  ['an empty 201', { kind: 'answer', status: 201, body: ' \n' }, 557],
  ['a success that is not JSON', { kind: 'answer', status: 200, body: 'fine' }, 558],
  ['a reset connection', { kind: 'reset' }, 555],
  ['half an answer', { kind: 'half-answer' }, 555],
  ['what is not HTTP', { kind: 'garbage' }, 555],
];

for (const [what, fault, statusCode] of FAULTS) {
  test(`${what} is ${statusCode}, and not a success`, async () => {
    const answer = await askWith(fault);
    assert.is(answer.statusCode, statusCode);
    assert.not(answer.succeeded);
    assert.ok(answer.problem);
    assert.not.match(answer.problem ?? '', 'the-token');
  });
}

test('a 201 with a body is a success', async () => {
  const answer = await askWith({ kind: 'answer', status: 201, body: '{}' });
  assert.ok(answer.succeeded);
  assert.is(answer.responseTime, undefined);
});

test('a host that does not exist is 555', async () => {
  const host = await LabHost.start();
  const { address } = host;
  await host[Symbol.asyncDispose]();
  await using client = HostClient.open(address);
  assert.is((await preSnapshot(client, REQUEST, never)).statusCode, 555);
});

test('silence ends with the time-out, or with the abort', async () => {
  await using host = await LabHost.start();
  await host.setFault({ call: 'versions', fault: { kind: 'no-answer' } });
  await host.setFault({ call: 'pre-snapshot', fault: { kind: 'no-answer' } });
  await using client = HostClient.open(host.address);
  const silent = { method: 'GET', path: '/?comp=versions', headers: [] } as const;
  assert.equal(await client.call(silent, { timeoutMs: 50 }), { kind: 'cut', reason: 'timeout' });
  const abort = new AbortController();
  const asked = preSnapshot(client, REQUEST, abort.signal);
  setImmediate(() => abort.abort(new Error('enough')));
  await asked.then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), 'enough'),
  );
});

test('no proxy is ever used', async () => {
  const before = process.env.http_proxy;
  process.env.http_proxy = 'http://127.0.0.1:9';
  try {
    assert.is((await askWith(undefined)).statusCode, 200);
  } finally {
    if (before === undefined) {
      delete process.env.http_proxy;
    } else {
      process.env.http_proxy = before;
    }
  }
});

test('secrets are the values of the encryption settings', () => {
  const body = JSON.stringify({
    DiskEncryptionSettings: [
      { Key: 'secretUrl', Value: 'https://vault/s/1' },
      { Key: 'nested', Value: { inner: ['key-2'] } },
    ],
  });
  assert.equal(secretsOfPreSnapshot(readPreSnapshot(200, body, 0n)), [
    'https://vault/s/1',
    'key-2',
  ]);
});

test('a time that does not exist is undefined', () => {
  const time = { year: 2026, month: 2, day: 30, hour: 1, minute: 0, second: 0 };
  for (const wrong of [
    time,
    { ...time, day: 1, hour: 25 },
    { ...time, month: undefined },
    'now',
    7,
  ]) {
    const body = JSON.stringify({ responseTime: wrong });
    assert.is(readPreSnapshot(200, body, 0n).responseTime, undefined);
  }
  const right = JSON.stringify({ responseTime: { ...time, day: '28' } });
  assert.is(
    readPreSnapshot(200, right, 0n).responseTime?.toISOString(),
    '2026-02-28T01:00:00.000Z',
  );
});

test('for any body, reading it does not throw', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 599 }),
      fc.oneof(fc.string(), fc.json()),
      (code, body) => {
        const answer = readPreSnapshot(code, body, 0n);
        assert.is(answer.succeeded, answer.problem === undefined);
      },
    ),
  );
});

test.run();
