import { BlockList, isIP, isIPv4 } from 'node:net';
import { withoutBrackets } from '../system/hostnames.ts';

/**
 * Whether `NO_PROXY` excludes a URL from the proxy. Its entries are separated by commas or white space: host names,
 * which also cover their subdomains (with or without a dot in front), addresses, networks such as `10.0.0.0/8`, all
 * of them optionally with a port, and `*` for everything.
 */
export function bypassesProxy(url: URL, noProxy: string): boolean {
  const host = withoutBrackets(url.hostname.toLowerCase()).replace(/\.$/, '');
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') {
    return true;
  }
  // An IPv6 address has more colons; with a port it is in brackets.
  const [, name = entry, entryPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (entryPort !== undefined && Number(entryPort) !== Number(port)) {
    return false;
  }
  const plain = withoutBrackets(name);
  return isIP(host) === 0 ? matchesDomain(plain, host) : matchesNetwork(plain, host);
}

function matchesDomain(entry: string, host: string): boolean {
  const domain = entry.replace(/^\*?\./, '').replace(/\.$/, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

function matchesNetwork(entry: string, host: string): boolean {
  const [address = '', prefix] = entry.split('/', 2);
  const family = isIPv4(host) ? 'ipv4' : 'ipv6';
  const most = family === 'ipv4' ? 32 : 128;
  const bits = prefix === undefined ? most : Number(prefix || Number.NaN);
  if (isIP(address) !== isIP(host) || !Number.isInteger(bits) || bits < 0 || bits > most) {
    return false;
  }
  const network = new BlockList();
  network.addSubnet(address, bits, family);
  return network.check(host, family);
}
