import { FlashfreezeError } from '../../errors.ts';
import { isLoopback } from '../../system/hostnames.ts';

/** The parts of a blob's address. `query` is a secret: it contains the SAS signature. */
export interface BlobUrl {
  /** `https://host[:port]` */
  readonly origin: string;
  /** Percent-encoded, starts with a slash. */
  readonly pathname: string;
  /** Without the question mark; byte for byte as it was given, because it is signed. */
  readonly query: string;
}

const EXPECTED = 'expected https://<account>.blob.core.windows.net/<container>/<blob>?<SAS>';

/**
 * Checks a blob's URL and splits it. Messages contain `label` and at most the host, never the path or the
 * query.
 *
 * @throws FlashfreezeError `FF_URL_INVALID`: not the address of a blob; `FF_URL_INSECURE`: plain HTTP
 * to another machine, which would expose the SAS to the network.
 */
export function parseBlobUrl(text: string, label = 'blob URL'): BlobUrl {
  const invalid = (problem: string): FlashfreezeError =>
    new FlashfreezeError('FF_URL_INVALID', `${label} ${problem}: ${EXPECTED}`);
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw invalid('is empty or contains white space or characters that are not percent-encoded');
  }
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw invalid('is not an https URL');
  }
  requireSecure(url, label);
  const problem = partsProblem(url, text);
  if (problem !== undefined) {
    throw invalid(`(host ${url.hostname}) ${problem}`);
  }
  return { origin: url.origin, pathname: url.pathname, query: rawQuery(text) };
}

/** @throws FlashfreezeError `FF_URL_INSECURE` for plain HTTP to another machine */
export function requireSecure({ protocol, hostname }: URL, label: string): void {
  if (protocol === 'http:' && !isLoopback(hostname)) {
    throw new FlashfreezeError(
      'FF_URL_INSECURE',
      `${label} is plain http to ${hostname}: use https (http is for loopback only)`,
    );
  }
}

/**
 * The URL in the form that may be shown: without query, user name and fragment, and otherwise byte for byte as it was
 * given, because the service looks for its own text in a report. Text that is not a URL is not shown at all, because any
 * part of it may be secret.
 */
export function withoutQuery(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.origin === 'null') {
    return '(not a blob URL)';
  }
  const shown = withoutUserAndFragment(text, url).replace(/\?.*/s, '');
  return holdsSignature(shown) ? '(not a blob URL)' : shown;
}

/** Visible ASCII without `#`, which begins the fragment. */
const PLAIN = /^[\x21\x22\x24-\x7e]+$/;

/** The text of a URL as it was given, or without user name and fragment in the form of the URL standard if it has any. */
export function withoutUserAndFragment(text: string, url: URL): string {
  const isAsGiven = url.username === '' && url.password === '' && PLAIN.test(text);
  return isAsGiven ? text : `${url.origin}${url.pathname}${url.search}`;
}

/** A blob's name may contain empty folders (`//`). */
const NAMES_BLOB = /^\/[^/]+\/.+$/;

/** Without a container, the URL names a blob of the container `$root`; a container's own name has no such character. */
const NAMES_ROOT_BLOB = /^\/(?=[^/]*[^a-z0-9-])[^/$][^/]*$/;

function partsProblem(url: URL, text: string): string | undefined {
  if (url.username !== '' || url.password !== '') {
    // Redaction must not take a word before the colon for a key, so "password" does not come last.
    return 'contains a password or user name';
  }
  if (text.includes('#')) {
    return 'contains a fragment (#…)';
  }
  if (holdsSignature(url.pathname)) {
    return 'contains the SAS in its path (is the question mark missing or percent-encoded?)';
  }
  if (!NAMES_BLOB.test(url.pathname) && !NAMES_ROOT_BLOB.test(url.pathname)) {
    return 'does not name a container and a blob';
  }
  return ['comp', 'snapshot', 'versionid'].some((name) => url.searchParams.has(name))
    ? 'already names an operation, a snapshot or a version (comp, snapshot, versionid)'
    : undefined;
}

/** A signature outside the query would be printed and logged as part of the blob's name. */
function holdsSignature(pathname: string): boolean {
  return /sig(=|%3d)/i.test(pathname);
}

/** The query byte for byte, because it is signed: `URL.search` would re-encode some characters. */
function rawQuery(text: string): string {
  const start = text.indexOf('?');
  return start === -1 ? '' : text.slice(start + 1);
}
