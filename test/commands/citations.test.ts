import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';

const test = suite('citations');
const ROOT = join(import.meta.dirname, '../..');
const SOURCES = ['src', 'native', 'test', 'bench'].flatMap((folder) =>
  filesIn(folder).filter(
    (path) => /\.(ts|cc|h|c|sh)$/.test(path) && path !== 'test/commands/citations.test.ts',
  ),
);
const DOCUMENTS = new Map(
  filesIn('src/docs')
    .filter((path) => path.endsWith('.md'))
    .map((path) => [basename(path), textOf(path)]),
);
/** The READMEs and every page under src. */
const PAGES = [
  'README.md',
  'bench/README.md',
  ...filesIn('src').filter((path) => path.endsWith('.md')),
];
/** Pages of others that are named with their project. */
const ELSEWHERE = new Set(['disk-identification.md']);

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
    join(folder, name),
  );
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Comments in one line each, so that a citation is found wherever its lines break. */
function commentsOf(source: string): string {
  return source.replaceAll(/\n\s*(\*|\/\/)(?!\/)\s?/g, ' ').replaceAll(/\s+/g, ' ');
}

interface Citation {
  readonly document: string;
  /** A heading, or a name that the document explains. */
  readonly part: string | undefined;
}

function citationsIn(comments: string): Citation[] {
  const pages = comments.matchAll(/\(([a-z]+(?:-[a-z]+)*\.md)(?:, ([^();]*))?\)/g);
  const laws = comments.matchAll(/\(design, (?:"([^"]+)"|(law \d+))\)/g);
  return [
    ...[...pages].map(([, document = '', part]) => ({ document, part })),
    ...[...laws].map(([, heading, law]) => ({
      document: 'design.md',
      part: heading ?? law?.replace('law ', '\n') ?? '',
    })),
  ];
}

function isFound({ document, part }: Citation): boolean {
  const text = DOCUMENTS.get(document);
  if (text === undefined) {
    return ELSEWHERE.has(document);
  }
  const parts = part?.startsWith('\n') ? [`${part}. **`] : (part?.split(/, | and /) ?? []);
  return parts.every((it) => text.toLowerCase().includes(it.toLowerCase()));
}

test('what a comment cites is a page of this repository, and has the part that is named', () => {
  const cited = SOURCES.flatMap((path) =>
    citationsIn(commentsOf(textOf(path))).map((citation) => ({ path, citation })),
  );
  assert.ok(cited.length > 50, `${cited.length} citations`);
  const lost = cited
    .filter(({ citation }) => !isFound(citation))
    .map(({ path, citation }) => `${path}: ${citation.document}, ${citation.part ?? ''}`);
  assert.equal(lost, []);
});

test('a citation of what is not there is found, also over two lines', () => {
  const comments = commentsOf('/**\n * (status.md,\n * Nowhere) (gone.md) (design, law 99)\n */');
  assert.equal(
    citationsIn(comments).map((it) => [it.document, isFound(it)]),
    [
      ['status.md', false],
      ['gone.md', false],
      ['design.md', false],
    ],
  );
});

test('every relative link leads to a file and a heading that are there', () => {
  let count = 0;
  for (const page of PAGES) {
    for (const target of linksOf(textOf(page))) {
      assert.is(faultOf(page, target), undefined, `${page} → ${target}`);
      count += 1;
    }
  }
  assert.ok(count >= 100, `only ${count} links were found`);
});

test('a wrong link would be noticed', () => {
  const text = [
    '[a](src/docs/gone.md) [b](src/docs/limits.md#gone) [c](#gone) [d](../outside.md)',
    '![e](gone.png) [f](/README.md) [g](<src/docs/gone.md>) [h](src/docs#gone)',
    '[i][gone]',
    '',
    '[gone]: src/docs/gone.md',
    '[j](https://example.org/gone) [k](src/docs/limits.md#what-can-go-wrong) [l](#flashfreeze)',
    '```',
    '[m](in/an/example.md)',
    '```',
  ].join('\n');
  const wrong = linksOf(text).filter((it) => faultOf('README.md', it) !== undefined);
  assert.equal(wrong, [
    'src/docs/gone.md',
    'src/docs/limits.md#gone',
    '#gone',
    '../outside.md',
    'gone.png',
    '/README.md',
    'src/docs/gone.md',
    'src/docs#gone',
    'src/docs/gone.md',
  ]);
});

test('headings have the anchors that GitHub gives them', () => {
  const text = '# `a_b` & C-d\n## Same\n## Same\n```sh\n# a comment\n```\n### [x](#y), ü?\n';
  assert.equal(anchorsOf(text), ['a_b--c-d', 'same', 'same-1', 'x-ü']);
});

test('every page of src/docs is in the table of the README, or linked from one that is', () => {
  const table = textOf('README.md')
    .split('\n')
    .filter((line) => line.startsWith('| ['))
    .flatMap((line) => pagesLinkedFrom('README.md', line));
  const pages = PAGES.filter((page) => page.startsWith('src/docs/'));
  assert.ok(pages.length >= 20);
  const inFolder = pages.filter((page) => dirname(page) === 'src/docs');
  assert.equal(
    inFolder.filter((page) => !table.includes(page)),
    [],
  );
  const reached = reachableFrom(table);
  assert.equal(
    pages.filter((page) => !reached.has(page)),
    [],
  );
});

function withoutExamples(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, '');
}

/** Targets of links and pictures, inline or by reference; those to other sites are left out. */
function linksOf(text: string): string[] {
  const links = /\]\(<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s+<?([^\s>]+)/gm;
  return [...withoutExamples(text).matchAll(links)]
    .map(([, inline, byReference]) => inline ?? byReference ?? '')
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** What is wrong with a link in a page. */
function faultOf(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (path.startsWith('/') || file.startsWith('..') || !existsSync(join(ROOT, file))) {
    return `${file} is not in the repository`;
  }
  if (anchor === undefined) {
    return undefined;
  }
  const isThere = file.endsWith('.md') && anchorsOf(textOf(file)).includes(anchor);
  return isThere ? undefined : `${file} has no heading #${anchor}`;
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutExamples(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

function pagesLinkedFrom(page: string, text: string): string[] {
  return linksOf(text)
    .map((target) => join(dirname(page), target.split('#')[0] ?? ''))
    .filter((path) => path.endsWith('.md'));
}

function reachableFrom(pages: readonly string[]): ReadonlySet<string> {
  const reached = new Set(pages);
  // A set grows while it is walked, and what is added is visited too.
  for (const page of reached) {
    for (const next of pagesLinkedFrom(page, textOf(page))) {
      reached.add(next);
    }
  }
  return reached;
}

test.run();
