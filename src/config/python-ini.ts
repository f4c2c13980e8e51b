import { parse } from 'ini';

/** Values by key, the keys in lower case. */
export type IniSection = ReadonlyMap<string, string>;

export interface PythonIni {
  /** By the name as written: the names of sections are case-sensitive, keys are not. */
  readonly sections: ReadonlyMap<string, IniSection>;
  /** The lines that could not be used, as sentences that name the line. */
  readonly problems: readonly string[];
  /** Keys that stand twice in a section, of which the last one counts; as sentences that name the line. */
  readonly repeated: readonly string[];
}

/** A section, or a key with its value. */
interface Line {
  readonly text: string;
  value?: string;
  readonly indent: number;
  readonly number: number;
}

const SECTION = /^\s*\[([^\]]+)\]/;
const IGNORED = /^\s*([#;].*)?$/;
/** Key and value around the first `=` or `:`. */
const OPTION = /^([^=:]*[^=:\s])\s*[=:]\s*(.*)$/;

/**
 * Reads an INI file as Python's ConfigParser does, for files that were made for Python programs: `:` means the same
 * as `=`, keys ignore case, a line that is indented further than the key before it continues the value of that key,
 * `[DEFAULT]` applies to every section, `%(key)s` stands for the value of another key and `%%` for a percent sign,
 * and `;` or `#` inside a word or a quotation does not begin a comment. The reader is more lenient than ConfigParser:
 * a comment may follow a value, and a single percent sign stands for itself. Never throws: lines that ConfigParser
 * would refuse are left out and named in `problems`.
 *
 * @param quotes `drop`: quotation marks around a whole value are dropped; `keep`: they are part of the value
 */
export function parsePythonIni(text: string, quotes: 'drop' | 'keep' = 'drop'): PythonIni {
  const problems: string[] = [];
  const lines: Line[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n?|\n/)
    .entries()) {
    if (IGNORED.test(line)) {
      continue;
    }
    const indent = line.search(/\S/);
    const last = lines.at(-1);
    const section = SECTION.exec(line)?.[1];
    const [, key, value = ''] = OPTION.exec(line) ?? [];
    if (last?.value !== undefined && indent > last.indent) {
      last.value += `,${withoutComment(line)}`;
    } else if (section !== undefined) {
      lines.push({ text: `[${section}]`, indent, number: index + 1 });
    } else if (lines.length === 0) {
      problems.push(`line ${index + 1} comes before the first [section]`);
    } else if (key === undefined) {
      problems.push(`line ${index + 1} is neither a [section] nor key = value`);
    } else {
      const name = key.trim().toLowerCase();
      lines.push({ text: name, value: withoutComment(value), indent, number: index + 1 });
    }
  }
  // The parser does not change a value that is JSON.
  const read = parse(
    lines
      .map(({ text, value }) =>
        value === undefined
          ? text
          : `${text}=${JSON.stringify(quotes === 'drop' ? unquoted(value) : value)}`,
      )
      .join('\n'),
  );
  return { sections: sectionsOf(read), problems, repeated: repeatedIn(lines) };
}

function repeatedIn(lines: readonly Line[]): string[] {
  const repeated: string[] = [];
  let keys = new Set<string>();
  for (const { text, value, number } of lines) {
    if (value === undefined) {
      keys = new Set();
    } else if (keys.has(text)) {
      repeated.push(`line ${number} gives ${firstWordOf(text)} again`);
    }
    keys.add(text);
  }
  return repeated;
}

/** The value without quotation marks if they enclose all of it, else the value as it is. */
export function unquoted(value: string): string {
  return /^(["'])((?:(?!\1).)*)\1$/s.exec(value)?.[2] ?? value;
}

/** A key for messages: without its `=`, a line has a part of the value in its key, up to the first `=` or `:` in that. */
export function firstWordOf(key: string): string {
  return key.split(/\s/, 1)[0] ?? '';
}

/** The text up to the first `;` or `#` after white space outside of quotation marks; a single mark is a letter. */
function withoutComment(text: string): string {
  return (/^(?:"[^"]*"|'[^']*'|(?<!\s|^)[;#]|[^;#])*/.exec(text.trim())?.[0] ?? '').trim();
}

function sectionsOf(parsed: Readonly<Record<string, unknown>>): Map<string, IniSection> {
  const defaults = sectionOf(parsed.DEFAULT);
  const sections = new Map<string, IniSection>();
  for (const [name, section] of Object.entries(parsed)) {
    if (name !== 'DEFAULT') {
      sections.set(name, interpolated(new Map([...defaults, ...sectionOf(section)])));
    }
  }
  return sections;
}

/** The parser turns some words into booleans, and sections with a dot in their name into objects. */
function sectionOf(section: unknown): IniSection {
  const entries = typeof section === 'object' && section !== null ? Object.entries(section) : [];
  return new Map(
    entries
      .filter(([, value]) => typeof value !== 'object' || value === null)
      .map(([key, value]) => [key, String(value)]),
  );
}

/** The depth to which ConfigParser follows values that name other values. */
const DEEPEST = 10;

function interpolated(section: IniSection): IniSection {
  const expand = (text: string, depth: number): string =>
    text.replace(/%%|%\(([^)]+)\)s/g, (found, key: string | undefined) => {
      const other = key === undefined ? '%' : section.get(key.toLowerCase());
      return other === undefined || depth > DEEPEST || key === undefined
        ? (other ?? found)
        : expand(other, depth + 1);
    });
  return new Map([...section].map(([key, value]) => [key, expand(value, 1)]));
}
