/**
 * The text that Python's `str` makes of a value that was read from JSON, for scripts that were written for a program in
 * Python. Pure.
 */
export function pythonText(value: unknown): string {
  return typeof value === 'string' ? value : pythonLiteral(value);
}

/** As Python's `repr` writes it. */
function pythonLiteral(value: unknown): string {
  if (typeof value === 'string') {
    return quoted(value);
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (Array.isArray(value)) {
    return `[${value.map(pythonLiteral).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]) => `${quoted(name)}: ${pythonLiteral(member)}`,
    );
    return `{${members.join(', ')}}`;
  }
  return value === null || value === undefined ? 'None' : String(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quoted(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\p{Cc}\\'"]/gu, (letter) => {
    if (letter === "'" || letter === '"') {
      return letter === mark ? `\\${letter}` : letter;
    }
    return ESCAPES[letter] ?? `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `${mark}${body}${mark}`;
}
