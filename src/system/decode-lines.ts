const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Lines of UTF-8. In a line that is none, each byte beyond ASCII is written as `\xe9`: so a mount point has a name for people.
 * It cannot be opened by that name.
 */
export function decodeLines(bytes: Uint8Array): string {
  const whole = decodeStrictly(bytes);
  if (whole !== undefined) {
    return whole;
  }
  // In latin1 every byte is one character, so the lines keep their bytes.
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  return lines
    .map(
      (line) =>
        decodeStrictly(Buffer.from(line, 'latin1')) ??
        line.replace(/[\x80-\xff]/g, (it) => `\\x${it.charCodeAt(0).toString(16)}`),
    )
    .join('\n');
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
