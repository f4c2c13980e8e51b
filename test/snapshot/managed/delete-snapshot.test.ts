import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { HttpConnection } from '../../../src/snapshot/http/connection.ts';
import type { ExchangeEnd } from '../../../src/snapshot/http/exchange-end.ts';
import {
  askOnce,
  deleteUntilGone,
  LAST_QUESTION_MS,
} from '../../../src/snapshot/managed/delete-snapshot.ts';
import { deadlineIn } from '../../../src/system/stamps.ts';
import { suite } from '../../suite.ts';

const test = suite('waiting until a snapshot is gone');

/** The most that a pause may have of the limit in these tests. */
const SHORT_MS = 200;

function answered(httpStatus: number, headers: Record<string, string> = {}): ExchangeEnd {
  const kind = httpStatus < 300 || httpStatus === 404 ? 'succeeded' : 'refused';
  const answer = { httpStatus, headers, rawHeaders: [], body: [], receivedNs: 0n };
  return { kind, answer };
}

/** @returns the reason, and how often the service was asked whether it is gone */
async function deleted(...answers: readonly ExchangeEnd[]) {
  let questions = 0;
  const reason = await deleteUntilGone(deadlineIn(LAST_QUESTION_MS + SHORT_MS), {
    delete: () => Promise.resolve(answered(202)),
    get: () => {
      const answer = answers[Math.min(questions, answers.length - 1)];
      questions += 1;
      return Promise.resolve(answer);
    },
    reasonOf: () => 'refused',
  });
  return { reason, questions };
}

test('a pause that is longer than the limit ends with the limit, and with one last question', async () => {
  for (const busy of [429, 200, 503]) {
    const wait = answered(busy, { 'retry-after': '300' });
    const late = 'its deletion was accepted, but had not ended in time';
    assert.equal(await deleted(wait), { reason: late, questions: 2 });
    assert.equal(await deleted(wait, answered(404)), { reason: undefined, questions: 2 });
  }
});

test('a refusal whose body never ends is an answer all the same, and the next question does not wait behind it', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(403, { 'content-length': '100' });
    response.write('0123456789');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const connection = new HttpConnection(`http://127.0.0.1:${port}`, { connectTimeoutMs: 60_000 });
  const request = { method: 'GET', path: '/', headers: [] } as const;
  for (let left = 2; left > 0; left -= 1) {
    const end = await askOnce(connection, request, deadlineIn(60_000));
    assert.is(end?.kind, 'refused');
  }
  connection.close();
  server.closeAllConnections();
  server.close();
});

test('what is gone at once is not asked for again', async () => {
  assert.equal(await deleted(answered(404)), { reason: undefined, questions: 1 });
});

test.run();
