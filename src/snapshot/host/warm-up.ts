import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { HostCall } from './host-call.ts';
import { HostClient } from './host-client.ts';
import { HostProvider } from './host-provider.ts';

/** Enough for V8 to have compiled everything and seen its types. */
const ROUNDS = 5;
const LIMIT_NS = 1_000_000_000n;

/**
 * Makes the call several times beforehand, with nothing of its content, at a server of this process:
 * in the window no line of its way is then run for the first time, which saves it some 0.5 ms. What
 * goes wrong here costs just that. The server listens on an abstract socket, which is no port and no file.
 */
export async function rehearseCall({ request }: HostCall): Promise<void> {
  const socketPath = `\0flashfreeze-rehearsal-${process.pid}-${randomUUID()}`;
  await using server = new StubHost();
  await using client = HostClient.atSocket(socketPath);
  try {
    await server.listen(socketPath);
    const body = Buffer.alloc(request.body?.length ?? 0, ' ');
    for (let round = 0; round < ROUNDS; round += 1) {
      await callOnce(client, { ...request, body });
    }
  } catch {
    // The first call is the real one, then.
  }
}

async function callOnce(client: HostClient, request: HostCall['request']): Promise<void> {
  const ended = Promise.withResolvers<void>();
  await using taker = new HostProvider(
    client,
    { request, succeeds: () => true, readAnswer: () => [] },
    { onEvent: ({ kind }) => (kind === 'fired' ? undefined : ended.resolve()) },
  );
  await taker.rewarm();
  taker.fire([0], process.hrtime.bigint() + LIMIT_NS);
  await ended.promise;
}

/** Takes every request, and says that all is well. */
class StubHost implements AsyncDisposable {
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      request.resume();
      request.once('end', () => response.end('{"snapshotInfo": []}'));
    });
  }

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
