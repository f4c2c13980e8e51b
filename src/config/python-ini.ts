import { parse } from 'ini';

/** Values by key, the keys in lower case. */
export type IniSection = ReadonlyMap<string, string>;

export interface PythonIni {
  /** By name as written: sections are case-sensitive, keys are not. */
  readonly sections: ReadonlyMap<string, IniSection>;
  /** What could not be used, as sentences that name the line. */
  readonly problems: readonly string[];
}

const SECTION = /^\[[^\]]+\]\s*$/;
const IGNORED = /^\s*([#;].*)?$/;
/** Key and value around the first `=` or `:`. */
const OPTION = /^([^=:]*[^=:\s])\s*[=:]\s*(.*)$/;

/**
 * Reads an INI file as Python's ConfigParser does, for files that were made for Python programs: `:`
 * is as good as `=`, keys ignore case, an indented line continues the value before it, and `;` or `#`
 * inside a word is no comment. Never throws: lines that ConfigParser would refuse are left out and
 * named in `problems`.
 */
export function parsePythonIni(text: string): PythonIni {
  const problems: string[] = [];
  const lines: string[] = [];
  let isInSection = false;
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (IGNORED.test(line)) {
      continue;
    }
    const option = OPTION.exec(line);
    const isContinuation = /^\s/.test(line) && /=/.test(lines.at(-1) ?? '');
    if (SECTION.test(line)) {
      isInSection = true;
      lines.push(line);
    } else if (!isInSection) {
      problems.push(`line ${index + 1} stands before any [section]`);
    } else if (isContinuation) {
      lines.push(`${lines.pop()},${escapeValue(line.trim())}`);
    } else if (option === null) {
      problems.push(`line ${index + 1} is neither a [section] nor key = value`);
    } else {
      lines.push(`${option[1]?.trim().toLowerCase()}=${escapeValue(option[2] ?? '')}`);
    }
  }
  return { sections: sectionsOf(parse(lines.join('\n'))), problems };
}

/** Keeps `;` and `#` that do not follow white space; to the parser every one begins a comment. */
function escapeValue(value: string): string {
  return value.trim().replace(/(?<=\S)[;#]/g, '\\$&');
}

function sectionsOf(parsed: Readonly<Record<string, unknown>>): Map<string, IniSection> {
  const sections = new Map<string, IniSection>();
  for (const [name, section] of Object.entries(parsed)) {
    if (typeof section === 'object' && section !== null) {
      sections.set(name, sectionOf(section));
    }
  }
  return sections;
}

/** The parser makes booleans of some words, and objects of sections with a dot in their name. */
function sectionOf(section: object): IniSection {
  return new Map(
    Object.entries(section)
      .filter(([, value]) => typeof value !== 'object' || value === null)
      .map(([key, value]) => [key, String(value)]),
  );
}
