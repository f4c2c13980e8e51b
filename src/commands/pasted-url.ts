/**
 * A line of a pasted list without what spreadsheets, scripts and XML put around a URL: quotes, a comma or semicolon at the
 * end, `&amp;` in place of `&`. None of these can be part of a SAS URL as the service writes it. Pure.
 */
export function withoutPasteMarks(text: string): string {
  const bare = text
    .trim()
    .replace(/[,;]+$/, '')
    .trimEnd();
  const quote = /^(["'])(.*)\1$/s.exec(bare);
  return (quote?.[2] ?? bare).trim().replaceAll('&amp;', '&');
}
