import * as assert from 'uvu/assert';
import { connectionInMemory } from '../../../src/snapshot/http/connection-in-memory.ts';
import { cutAt, Exchange } from '../../../src/snapshot/http/exchange.ts';
import { deadlineIn } from '../../../src/system/stamps.ts';
import { suite } from '../../suite.ts';

const test = suite('connection in memory');

test('answers every request, one after the other, as a service does', async () => {
  const connection = connectionInMemory(
    'https://account.blob.core.windows.net',
    'HTTP/1.1 201 Created\r\nx-ms-snapshot: now\r\nContent-Length: 0\r\n\r\n',
  );
  const told: string[] = [];
  for (const target of [0, 1, 2]) {
    const exchange = new Exchange({
      target,
      connection,
      request: { method: 'PUT', path: '/container/blob?comp=snapshot', headers: [] },
      succeeds: (status, headers) => status === 201 && headers['x-ms-snapshot'] === 'now',
      completeWith: 'head',
      listener: { ended: (of, succeeded) => told.push(`${of} ${succeeded}`) },
    });
    const deadlineNs = deadlineIn(10_000);
    const timer = cutAt(deadlineNs, [exchange]);
    exchange.start(deadlineNs);
    await exchange.whenAllIn;
    clearTimeout(timer);
  }
  connection.close();
  assert.equal(told, ['0 true', '1 true', '2 true']);
});

test.run();
