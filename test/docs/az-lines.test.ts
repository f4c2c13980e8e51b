/** The az lines of the pages and templates against what az itself says that it takes. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../suite.ts';
import { blocksOf, PAGES, ROOT, shellLinesOf, textOf } from './pages.ts';

const test = suite('az lines in the pages');

/** Options of each command as `az <command> --help` of version 2.45 (Debian 12) lists them. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  ...(JSON.parse(
    readFileSync(join(import.meta.dirname, 'fixtures/az-options.json'), 'utf8'),
  ) as Readonly<Record<string, readonly string[]>>),
  // From the reference of Azure; Debian's package lacks a module for the help of the first.
  'vm extension delete': [
    '--ids',
    '--name',
    '-n',
    '--no-wait',
    '--resource-group',
    '-g',
    '--vm-name',
  ],
  'disk delete': ['--ids', '--name', '-n', '--no-wait', '--resource-group', '-g', '--yes', '-y'],
  'storage blob delete-batch': [
    ...['--source', '-s', '--pattern', '--account-name', '--account-key', '--auth-mode'],
    ...['--connection-string', '--sas-token', '--delete-snapshots', '--dryrun', '--lease-id'],
  ],
};

interface AzLine {
  readonly place: string;
  readonly command: string;
  readonly options: readonly string[];
}

/** Every call of az in a line of a shell. What is in quotes, or printed by other programs, is left out. */
function callsIn(line: string): Omit<AzLine, 'place'>[] {
  const inner = /"?\$\((az [^()]*)\)"?/;
  const [whole = '', call] = inner.exec(line) ?? [];
  return call === undefined
    ? callsOf(line)
    : [...callsIn(line.replace(whole, "''")), ...callsOf(call)];
}

function callsOf(line: string): Omit<AzLine, 'place'>[] {
  const plain = line
    .replaceAll(/\$\((?!az )[^()]*\)/g, '')
    .replaceAll(/'[^']*'/g, "''")
    .replaceAll(/"(?!\$\(az )[^"]*"/g, '""');
  return plain
    .split(/\baz (?=[a-z])/)
    .slice(1)
    .map((text) => ({
      command: /^[a-z][a-z-]*(?: [a-z][a-z-]*)*/.exec(text)?.[0] ?? '',
      options: text.match(/(?<=\s)--?[a-z][\w-]*/g) ?? [],
    }));
}

const LINES: readonly AzLine[] = [
  ...PAGES.flatMap((page) =>
    blocksOf(textOf(page), 'sh').flatMap((block) =>
      shellLinesOf(block).flatMap((line) => callsIn(line).map((it) => ({ place: page, ...it }))),
    ),
  ),
  ...globSync('src/extension/deploy/*.bicep', { cwd: ROOT }).flatMap((place) =>
    [...textOf(place).matchAll(/^\/\/\s+(az .*)$/gm)].flatMap(([, line = '']) =>
      callsIn(line).map((it) => ({ place, ...it })),
    ),
  ),
];

/** What az would refuse of a call. */
function faultOf({ command, options }: Omit<AzLine, 'place'>): string | undefined {
  const known = OPTIONS[command];
  if (known === undefined) {
    return `az ${command}: not among the commands that were looked up`;
  }
  const unknown = options.filter((option) => !known.includes(option));
  return unknown.length === 0 ? undefined : `az ${command}: ${unknown.join(', ')}`;
}

test('every az line names a command and options that az has', () => {
  assert.ok(LINES.length >= 15, `${LINES.length} lines`);
  const faults = LINES.map((line) => ({ place: line.place, fault: faultOf(line) }));
  assert.equal(
    faults.filter(({ fault }) => fault !== undefined),
    [],
  );
});

test('a wrong one would be noticed', () => {
  const wrong = [
    'az vm idenity assign --name x',
    'key="$(az storage account keys list --acount-name acct --query \'[0].value\')"',
    'az disk create -g g --source "$(az snapshot show --nmae x)"',
  ].flatMap(callsIn);
  assert.equal(wrong.map(faultOf), [
    'az vm idenity assign: not among the commands that were looked up',
    'az storage account keys list: --acount-name',
    undefined,
    'az snapshot show: --nmae',
  ]);
});

test.run();
