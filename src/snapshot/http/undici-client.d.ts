/**
 * undici's `Client` by itself. Importing the package as a whole also loads fetch, WebSocket, caches and
 * the like: 12 MB and 50 ms more for each thread. The version is pinned exactly.
 */
declare module 'undici/lib/dispatcher/client.js' {
  import type { Client } from 'undici';

  const client: typeof Client;
  export = client;
}

declare module 'undici/lib/core/connect.js' {
  import type { buildConnector } from 'undici';

  const build: typeof buildConnector;
  export = build;
}
