import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { PAGES, textOf } from './pages.ts';

const test = suite('glossary');
const PAGE = 'src/docs/how-to/glossary.md';

/** The first cells of the rows of a table that has a row of this head, with the second ones. */
function rowsOf(text: string): [word: string, meaning: string][] {
  const [, table = ''] = /^\| word \| meaning \|\n\|[-|]+\n((?:\|.*\n)+)/m.exec(text) ?? [];
  return [...table.matchAll(/^\| (.+?) \| (.+) \|$/gm)].map(([, word = '', meaning = '']) => [
    word,
    meaning,
  ]);
}

const ROWS = rowsOf(textOf(PAGE));

test('each word has one row, in the order of the alphabet', () => {
  const words = ROWS.map(([word]) => word);
  assert.ok(words.length >= 40);
  const inOrder = [...new Set(words)].sort((a, b) => a.localeCompare(b, 'en'));
  assert.equal(words, inOrder);
});

test('every word of design.md has its row', () => {
  const designed = rowsOf(textOf('src/docs/design.md')).flatMap(([word]) => word.split(' / '));
  assert.ok(designed.length >= 20);
  const words = new Set(ROWS.map(([word]) => word));
  assert.equal(
    designed.filter((word) => !words.has(word)),
    [],
  );
});

/** Its meaning there refers to the rows above it. */
const OWN_WORDS = ['timeline'];

test('a word that design.md explains in a row of its own has that meaning', () => {
  for (const [word, meaning] of rowsOf(textOf('src/docs/design.md'))) {
    const [, ours = ''] = ROWS.find(([it]) => it === word) ?? [];
    const [beginning = ''] = meaning.split(/[;(]/);
    if (!word.includes(' / ') && !OWN_WORDS.includes(word)) {
      assert.ok(ours.startsWith(beginning.trim()), `${word}: ${ours}`);
    }
  }
});

test('every word is used in another page', () => {
  const others = PAGES.filter((page) => page !== PAGE)
    .map(textOf)
    .join('\n')
    .toLowerCase();
  assert.equal(
    ROWS.filter(([word]) => !others.includes(word.toLowerCase())).map(([word]) => word),
    [],
  );
});

test.run();
