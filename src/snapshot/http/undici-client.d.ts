/**
 * undici's `Client` alone. Importing the whole package also loads fetch, WebSocket, caches and more: 12 MB
 * and 50 ms for each thread. The version is pinned exactly.
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
