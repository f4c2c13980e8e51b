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
