import type { StoragePipelineOptions } from '@azure/storage-blob';

/**
 * Options that set the storage library's proxy. Without them it reads the environment itself.
 *
 * @param proxy URL of an HTTP proxy, perhaps with user name and password
 */
export function proxyOptions(proxy: string | undefined): StoragePipelineOptions {
  if (proxy === undefined) {
    return {};
  }
  const { protocol, hostname, port, username, password } = new URL(proxy);
  return {
    proxyOptions: {
      host: `${protocol}//${hostname}`,
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    },
  };
}
