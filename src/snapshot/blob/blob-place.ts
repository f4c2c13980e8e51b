/** Of a URL of a container or blob, what says which one it names: no query, nothing percent-encoded. */
interface Place {
  readonly origin: string;
  /** Begins with a slash. */
  readonly pathname: string;
}

/** The service reads a URL so: `%24root` is `$root`, `:443` and the case of a host say nothing. */
function placeOf(text: string): Place | undefined {
  const url = URL.parse(text);
  return url === null || url.origin === 'null'
    ? undefined
    : { origin: url.origin, pathname: decoded(url.pathname) };
}

function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

/** The service has a container of this name for blobs whose URL names none. */
function withContainer(pathname: string): string {
  return pathname.lastIndexOf('/') === 0 ? `/$root${pathname}` : pathname;
}

/**
 * A text that two URLs of blobs have in common exactly if they name one blob, however each of them is written: by a person,
 * by Azure, or by its library, which percent-encodes more. For comparisons only. Pure.
 */
export function blobKey(url: string): string {
  const place = placeOf(url);
  return place === undefined ? url : `${place.origin}${withContainer(place.pathname)}`;
}

/**
 * The name of a blob within a container; undefined if the blob lies elsewhere. Pure.
 *
 * @param container its URL, with or without a query
 * @param blob URL of the blob
 */
export function nameInContainer(container: string, blob: string): string | undefined {
  const [folder, place] = [placeOf(container), placeOf(blob)];
  if (folder === undefined || place === undefined || folder.origin !== place.origin) {
    return undefined;
  }
  const path = withContainer(place.pathname);
  const prefix = `${folder.pathname.replace(/\/+$/, '')}/`;
  return path.startsWith(prefix) && path.length > prefix.length
    ? path.slice(prefix.length)
    : undefined;
}
