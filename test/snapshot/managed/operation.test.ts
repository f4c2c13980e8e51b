import * as assert from 'uvu/assert';
import type { RawAnswer } from '../../../src/snapshot/http/attempt.ts';
import {
  isAccepted,
  type PollWay,
  pollWaysOf,
  progressOfPoll,
  progressOfPut,
} from '../../../src/snapshot/managed/operation.ts';
import { serviceErrorIn } from '../../../src/snapshot/managed/service-error.ts';
import { suite } from '../../suite.ts';

const test = suite('operations of the resource manager');
const ORIGIN = 'https://management.azure.com';

function raw(
  httpStatus: number,
  body: object | string = '',
  headers: Record<string, string> = {},
): RawAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { httpStatus, headers, rawHeaders: [], body: [Buffer.from(text)], receivedNs: 0n };
}

const resource = (provisioningState: string): object => ({ properties: { provisioningState } });

test('only 200, 201 and 202 accept a request', () => {
  for (const status of [200, 201, 202]) {
    assert.ok(isAccepted(status));
  }
  for (const status of [204, 302, 400, 403, 404, 409, 429, 500]) {
    assert.not.ok(isAccepted(status));
  }
});

test('a 202 never means that the snapshot has its point in time, whatever its body says', () => {
  assert.equal(progressOfPut(raw(202, resource('Succeeded'), { 'retry-after': '2' })), {
    kind: 'running',
    pauseMs: 2_000,
  });
  assert.equal(progressOfPut(raw(202)), { kind: 'running', pauseMs: undefined });
});

test('an answer of 200 counts by the state of the resource', () => {
  assert.equal(progressOfPut(raw(200, resource('Succeeded'))), { kind: 'succeeded' });
  assert.is(progressOfPut(raw(200, resource('Updating'))).kind, 'running');
  assert.is(progressOfPut(raw(200, resource('Failed'))).kind, 'failed');
  assert.is(progressOfPut(raw(200, '')).kind, 'unclear');
  assert.is(progressOfPut(raw(201, resource('Creating'))).kind, 'running');
});

test('Succeeded, Failed and Canceled end an operation; every other word means running', () => {
  const failed = { status: 'Failed', error: { code: 'DiskBusy', message: 'a\nb' } };
  const table: [PollWay['kind'], RawAnswer, kind: string][] = [
    ['operation', raw(200, { status: 'Succeeded' }), 'succeeded'],
    ['operation', raw(200, { status: 'succeeded' }), 'succeeded'],
    ['operation', raw(200, { status: 'InProgress' }), 'running'],
    ['operation', raw(200, { status: 'Succeeding' }), 'running'],
    ['operation', raw(200, { status: '' }), 'running'],
    ['operation', raw(200, failed), 'failed'],
    ['operation', raw(200, { status: 'Canceled' }), 'failed'],
    ['operation', raw(202, ''), 'running'],
    ['operation', raw(200, ''), 'unclear'],
    ['operation', raw(200, resource('Succeeded')), 'unclear'],
    ['location', raw(202, ''), 'running'],
    ['location', raw(200, resource('Succeeded')), 'succeeded'],
    ['location', raw(200, resource('Updating')), 'running'],
    ['location', raw(200, ''), 'unclear'],
    ['location', raw(200, { status: 'Succeeded' }), 'unclear'],
    ['resource', raw(200, resource('Succeeded')), 'succeeded'],
    ['resource', raw(200, resource('Updating')), 'running'],
    ['resource', raw(200, resource('Failed')), 'failed'],
    ['resource', raw(200, {}), 'unclear'],
  ];
  for (const [way, answer, kind] of table) {
    assert.is(progressOfPoll(way, answer).kind, kind, `${way} ${Buffer.concat(answer.body)}`);
  }
  const progress = progressOfPoll('operation', raw(200, failed));
  assert.equal(progress.kind === 'failed' && progress.error, { code: 'DiskBusy', message: 'a b' });
});

test('the service is asked at the URLs that it gave, in the order of preference, then about the snapshot', () => {
  const operation = `${ORIGIN}/subscriptions/s/DiskOperations/1?p=x&c=y`;
  const location = `${ORIGIN}/subscriptions/s/DiskOperations/1?p=x&monitor=true`;
  const both = { 'azure-asyncoperation': operation, location };
  assert.equal(pollWaysOf(raw(202, '', both), ORIGIN), [
    { kind: 'operation', path: '/subscriptions/s/DiskOperations/1?p=x&c=y' },
    { kind: 'location', path: '/subscriptions/s/DiskOperations/1?p=x&monitor=true' },
    { kind: 'resource' },
  ]);
  assert.equal(pollWaysOf(raw(202), ORIGIN), [{ kind: 'resource' }]);
});

test('the token goes to no other server', () => {
  for (const url of [
    'https://evil.example/subscriptions/s',
    'http://management.azure.com/subscriptions/s',
    'https://management.azure.com:444/s',
    'https://management.azure.com.evil.example/s',
    'https://user@management.azure.com/s',
    '/relative',
    'nonsense',
  ]) {
    const headers = { 'azure-asyncoperation': url, location: url };
    assert.equal(pollWaysOf(raw(202, '', headers), ORIGIN), [{ kind: 'resource' }], url);
  }
});

test('errors are read wrapped and bare, in one line and without the query of a URL', () => {
  const error = { code: 'Conflict', message: 'see https://x/y?sig=secret\nnow' };
  const expected = { code: 'Conflict', message: 'see https://x/y now' };
  for (const body of [{ error }, error]) {
    assert.equal(serviceErrorIn([Buffer.from(JSON.stringify(body))]), expected);
  }
  for (const body of ['', '<html>', '{"error":{"code":"a b"}}', '[]', '{"error":null}']) {
    assert.is(serviceErrorIn([Buffer.from(body)]), undefined, body);
  }
});

test.run();
