/** What can be checked of the language in src, native and the pages: plain technical English. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';

const test = suite('language');
const ROOT = join(import.meta.dirname, '../..');
const SOURCES = [
  'src/**/*.ts',
  'native/*.{cc,h}',
  'src/docs/**/*.md',
  'README.md',
  'bench/README.md',
];

interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  /** What the rule finds, and what it leaves. */
  readonly wrong: string;
  readonly right: string;
}

const RULES: readonly Rule[] = [
  {
    name: 'no person where a process or a tool is meant',
    // In quotes it is the name of an account.
    pattern: /(?<!')\b(?:somebody|someone|whoever|nobody)\b/i,
    wrong: 'undefined if nobody has frozen it',
    right: 'undefined if no other tool has frozen it',
  },
  {
    name: 'a condition with if or when',
    pattern:
      /\b(?:[Uu]ndefined|[Mm]issing|[Ee]mpty|[Tt]rue|[Ff]alse|[Nn]ull|[Nn]one|[Rr]ejects|[Tt]hrows|[Rr]esolves|[Zz]ero|[Aa]t once|else|[Ee]rror)[^.;:]{0,60}\bwhere\b/,
    wrong: 'Undefined where there is none.',
    right: 'Undefined if there is none.',
  },
  {
    name: 'no likewise, and no same that needs its neighbour',
    pattern: /\blikewise\b|\/\*\* The same[.,;: ]|'the same[,' ]/i,
    wrong: "'--disk <device=url>', 'the same, naming the disk'",
    right: 'the same superblock as before',
  },
  {
    name: 'a thing is released or thawed, not let go',
    pattern:
      /\b(?:let|lets|letting) (?:it|them|go|the applications|applications)\b.{0,20}\bgo\b|\blet go\b/i,
    wrong: 'to be let go after the thaw',
    right: 'to be released after the thaw',
  },
];

function linesOf(file: string): { readonly place: string; readonly text: string }[] {
  return readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .map((text, index) => ({ place: `${file}:${index + 1}`, text }));
}

const LINES = globSync(SOURCES, { cwd: ROOT }).sort().flatMap(linesOf);

for (const { name, pattern, wrong, right } of RULES) {
  test(`${name}`, () => {
    assert.match(wrong, pattern);
    assert.not.match(right, pattern);
    const found = LINES.filter(({ text }) => pattern.test(text));
    assert.equal(
      found.map(({ place, text }) => `${place} ${text.trim()}`),
      [],
    );
  });
}

/** A doc comment that a blank line, another comment or the end of a block follows. */
const WITHOUT_DECLARATION = /\*\/[ \t]*\n(?:[ \t]*\n|[ \t]*\/\*\*|[ \t]*[})\]])/;

test('every doc comment stands before what it describes', () => {
  assert.match('/** A number. */\n\nconst count = 1;', WITHOUT_DECLARATION);
  assert.not.match('/** A number. */\nconst count = 1;', WITHOUT_DECLARATION);
  const found = globSync('src/**/*.ts', { cwd: ROOT }).filter((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    // The first comment may be about the file.
    return WITHOUT_DECLARATION.test(text.replace(/^(?:#!.*\n)?\/\*\*[\s\S]*?\*\/\n/, ''));
  });
  assert.equal(found, []);
});

test.run();
