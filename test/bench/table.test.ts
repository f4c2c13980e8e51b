import * as assert from 'uvu/assert';
import { figure, renderTable } from '../../bench/table.ts';
import { suite } from '../suite.ts';

const test = suite('bench tables');

test('a figure that is missing shows as a dash', () => {
  assert.is(figure(Number.NaN, 1), '–');
  assert.is(figure(null, 1), '–');
  assert.is(figure(1.26, 1), '1.3');
});

test('numbers stand on the right, text on the left', () => {
  const rows = [
    { name: 'early', ms: 5 },
    { name: 'late', ms: 123.45 },
  ];
  const text = renderTable(
    'title',
    [
      { head: '', value: ({ name }) => name },
      { head: 'ms', value: ({ ms }) => ms, decimals: 2 },
    ],
    rows,
  );
  assert.ok(text.startsWith('title\n'));
  assert.match(text, /│ early │ {3}5\.00 │/);
  assert.match(text, /│ late {2}│ 123\.45 │/);
});

test.run();
