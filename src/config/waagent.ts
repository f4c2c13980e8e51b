import { readFileSync } from 'node:fs';
import { errnoOf } from '../system/errno.ts';
import { isLoopback } from '../system/hostnames.ts';
import { bypassesProxy } from './no-proxy.ts';

export const WAAGENT_CONFIGURATION_PATH = '/etc/waagent.conf';

/** The settings of `/etc/waagent.conf` that matter to an extension. */
export interface WaagentConfiguration {
  /** `HttpProxy.Host` and `HttpProxy.Port` as a URL. */
  readonly proxy: string | undefined;
  /** `OS.OpensslPath`: the openssl(1) that the agent uses. */
  readonly opensslPath: string | undefined;
  /** `Extensions.Enabled`; false: the agent runs no extension. */
  readonly runsExtensions: boolean;
  /** `Lib.Dir` */
  readonly libDirectory: string | undefined;
  /** The parts of the file that were ignored, as sentences for people. */
  readonly warnings: readonly string[];
}

/** Reads the agent's configuration. Never throws: a missing or unreadable file sets nothing. */
export function readWaagentConfiguration(
  path: string = WAAGENT_CONFIGURATION_PATH,
): WaagentConfiguration {
  try {
    return parseWaagentConfiguration(readFileSync(path, 'utf8'), path);
  } catch (error) {
    const code = errnoOf(error) ?? 'unknown error';
    const warnings = code === 'ENOENT' ? [] : [`cannot read ${path} (${code}); it is ignored`];
    return { ...parseWaagentConfiguration('', path), warnings };
  }
}

/** @param path only named in warnings */
export function parseWaagentConfiguration(text: string, path: string): WaagentConfiguration {
  const values = valuesOf(text);
  const host = values.get('HttpProxy.Host');
  const proxy = host === undefined ? undefined : hostUrl(host, values.get('HttpProxy.Port'));
  return {
    proxy,
    opensslPath: values.get('OS.OpensslPath'),
    // As the agent reads a switch: any other value leaves the default.
    runsExtensions: values.get('Extensions.Enabled')?.toLowerCase() !== 'n',
    libDirectory: values.get('Lib.Dir'),
    warnings:
      host !== undefined && proxy === undefined
        ? [`${path}: HttpProxy.Host and HttpProxy.Port do not name a valid proxy and are ignored`]
        : [],
  };
}

/**
 * Reads the file as the agent does: the last line of a key counts, `#` begins a comment anywhere, quotes around a value
 * are dropped, and `None` sets nothing.
 */
function valuesOf(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.replace(/^\ufeff/, '').split(/\r?\n/)) {
    const [, key = '', rest = ''] = /^([^#=][^=]*)=([^#]*)/.exec(line) ?? [];
    const value = rest.replace(/^[\s"]+/, '').replace(/[\s"]+$/, '');
    if (value === '' || value === 'None') {
      values.delete(key.trim());
    } else {
      values.set(key.trim(), value);
    }
  }
  return values;
}

/** The agent has no default port; a proxy without a port gets the default port of HTTP. */
function hostUrl(host: string, port = ''): string | undefined {
  const isAddress = host.includes('::') || host.split(':').length > 2;
  const name = isAddress && !host.startsWith('[') && !host.includes('//') ? `[${host}]` : host;
  const url = proxyUrl(name);
  if (url === undefined || !/^\d*$/.test(port) || Number(port) > 65_535) {
    return undefined;
  }
  if (port !== '') {
    url.port = port;
  }
  return url.href;
}

/** Reads the name of a proxy: a URL, or only host and port. */
function proxyUrl(text: string): URL | undefined {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  return url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' ? url : undefined;
}

/** Addresses of Azure's host service, which only this VM can reach: never used through a proxy (host-api.md). */
const HOST_ADDRESSES: readonly string[] = ['168.63.129.16', '169.254.169.254'];

/**
 * The proxy for a URL, as a URL that may hold a password; undefined if there is none. The agent's configuration
 * overrides HTTPS_PROXY and HTTP_PROXY, and NO_PROXY overrides both.
 *
 * @param url absolute; its query is not read
 */
export function proxyFor(
  url: string,
  configuration: Pick<WaagentConfiguration, 'proxy'>,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const target = URL.parse(url);
  if (target === null || isNear(target.hostname)) {
    return undefined;
  }
  if (bypassesProxy(target, variable(environment, 'no_proxy'))) {
    return undefined;
  }
  const scheme = target.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  return configuration.proxy ?? proxyUrl(variable(environment, scheme))?.href;
}

/** True for the machine itself and its host service, which no proxy can reach for the machine. */
function isNear(hostname: string): boolean {
  return isLoopback(hostname) || HOST_ADDRESSES.includes(hostname);
}

/** Reads a variable; the name in lower case has precedence, as for curl and the agent. */
function variable(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  return (environment[name]?.trim() || environment[name.toUpperCase()]?.trim()) ?? '';
}
