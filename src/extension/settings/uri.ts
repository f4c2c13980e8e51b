import { isLoopback } from '../../system/hostnames.ts';

/**
 * A URI in the form in which requests are made: blanks and letters beyond ASCII, which people and
 * portals leave as they are in blob names, percent-encoded; everything else byte for byte, because it
 * is signed.
 */
export function percentEncoded(uri: string): string {
  return uri
    .trim()
    .toWellFormed()
    .replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/**
 * The URI with https if it has plain http to another machine, which would show the signature to the network. Disks of
 * old VMs are named so, and storage accounts answer to both.
 */
export function overTls(uri: string): string {
  const url = URL.parse(uri);
  return url?.protocol === 'http:' && !isLoopback(url.hostname)
    ? uri.replace(/^http:(\/\/[^/?#]*?)(?::80)?(?=[/?#]|$)/i, 'https:$1')
    : uri;
}
