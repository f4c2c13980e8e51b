import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A server for blobs that takes every connection and never answers. */
export interface SilentServer extends AsyncDisposable {
  /** URL of a blob, with a SAS. */
  readonly url: string;
  /** Resolves when a request has begun to come in. */
  readonly asked: Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startSilentServer(): Promise<SilentServer> {
  const connections = new Set<Socket>();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = createServer((connection) => {
    connections.add(connection);
    connection.on('error', () => {});
    connection.once('data', () => resolve());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/c/log.txt?sv=2021-08-06&sr=b&sp=rw&sig=abcdefgh`,
    asked,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((isClosed) => server.close(isClosed));
      for (const connection of connections) {
        connection.destroy();
      }
      await closed;
    },
  };
}
