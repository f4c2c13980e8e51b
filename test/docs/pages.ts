import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** README and every page of src/docs, by their paths. */
export const PAGES = ['README.md', ...globSync('src/docs/**/*.md', { cwd: ROOT }).sort()];

export function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** The contents of the code blocks of a language, also of those inside a list. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^\1```$/gms)].flatMap(
    ([, indent = '', named, body = '']) =>
      named === language ? [body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] : [],
  );
}

/** Lines of a shell as it reads them: those that end in a backslash are joined with the next. */
export function shellLinesOf(block: string): string[] {
  return block
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => !/^\s*(?:#|$)/.test(line));
}
