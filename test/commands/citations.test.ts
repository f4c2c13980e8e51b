import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
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

test.run();
