import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { HostCall } from './host-call.ts';
import { HostClient } from './host-client.ts';
import { HostProvider } from './host-provider.ts';

/** Enough for V8 to compile everything and to learn the types. */
const ROUNDS = 5;
const LIMIT_NS = 1_000_000_000n;

/**
 * Makes the call several times beforehand, without its content, to a server of this process, so that no line
 * of its code path runs for the first time in the window. This saves about 0.5 ms; a failure here loses only
 * that. The server listens on an abstract socket, which is neither a port nor a file.
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
    // Then the real call is the first one.
  }
}

async function callOnce(client: HostClient, request: HostCall['request']): Promise<void> {
  const ended = Promise.withResolvers<void>();
  await using provider = new HostProvider(
    client,
    { request, succeeds: () => true, readAnswer: () => [] },
    { onEvent: () => ended.resolve() },
  );
  await provider.rewarm();
  provider.fire([0], process.hrtime.bigint() + LIMIT_NS);
  await ended.promise;
}

/** Accepts every request and answers with a success. */
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
