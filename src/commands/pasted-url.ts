/** Pairs that spreadsheets, word processors, Markdown and scripts put around a URL. */
const PAIR = /^(?:"(.*)"|'(.*)'|`(.*)`|“(.*)”|‘(.*)’|<(https?:.*)>)$/s;

/** `&` as XML and HTML write it, and as PowerShell writes it in JSON. */
const AMPERSAND = /&(?:amp|#38|#x26);|\\u0026/gi;

/**
 * A line of a pasted list without what spreadsheets, scripts and XML put around a URL: quotes, a comma or semicolon at the
 * end, `&amp;` in place of `&`. None of these can be part of a SAS URL as the service writes it. Pure.
 */
export function withoutPasteMarks(text: string): string {
  const bare = text
    .trim()
    .replace(/[,;]+$/, '')
    .trimEnd();
  const inside = PAIR.exec(bare)
    ?.slice(1)
    .find((it) => it !== undefined);
  return (inside ?? bare).trim().replaceAll(AMPERSAND, '&');
}

/**
 * What else shows that a URL was not pasted as the service wrote it; the service would only say that its SAS is wrong.
 * Does not repeat the URL. Pure.
 */
export function pasteProblem(url: string): string | undefined {
  const start = url.indexOf('?');
  const query = start === -1 ? '' : url.slice(start + 1);
  if (/https?:\/\//i.test(query)) {
    return 'is followed by a second URL: expected one URL, or one device=URL, per line';
  }
  if (/["<>\\`]|'$/.test(query)) {
    return 'holds a quote, an angle bracket or a backslash in its SAS: expected the URL alone, as the service wrote it';
  }
  return /%26sig(?:=|%3d)/i.test(query)
    ? 'has %26 between the parameters of its SAS: expected &, as the service wrote it'
    : undefined;
}
