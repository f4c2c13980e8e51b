/** Host names in the form of `URL.hostname`. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Whether a URL's host name means this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/** A host name without the brackets that an IPv6 address has in a URL only. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[/, '').replace(/\]$/, '');
}
