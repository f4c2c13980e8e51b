import * as assert from 'uvu/assert';
import { type Column, renderTable } from '../../src/report/table.ts';
import { suite } from '../suite.ts';

const test = suite('tables for the terminal');
const COLUMNS: readonly Column[] = [
  { head: 'name', align: 'left' },
  { head: 'size', align: 'right' },
  { head: 'of', align: 'left' },
];

test('a table without rows is its head', () => {
  assert.is(renderTable(COLUMNS, []).trimEnd(), 'name  size  of');
});

test('the widest cell of a column is as wide as the column, in whichever of many rows it is', () => {
  const rows = Array.from({ length: 2_500 }, (_, index) => [
    index === 2_000 ? 'a much longer name' : `n${index}`,
    index === 1 ? 1_000_000_000 : index,
    // Two columns of the terminal each.
    index === 777 ? '日本' : 'x',
  ]);
  const [head, ...lines] = renderTable(COLUMNS, rows).split('\n');
  const line = (name: string, size: string, of: string): string =>
    `${name.padEnd(18)}  ${size.padStart(10)}  ${of}`;
  assert.is(head, line('name', 'size', 'of    '));
  assert.equal(
    lines,
    rows.map(([name, size, of]) =>
      line(String(name), String(size), of === '日本' ? '日本  ' : `${of}     `),
    ),
  );
});

test.run();
