import * as assert from 'uvu/assert';
import {
  type MetadataPair,
  metadataProblem,
  sendableMetadata,
} from '../../../src/snapshot/blob/metadata.ts';
import { suite } from '../../suite.ts';

const test = suite('metadata of snapshots');

const accepted: readonly (readonly MetadataPair[])[] = [
  [],
  [['Policy', 'daily']],
  [['_a1', '']],
  [['Key', 'a b = c']],
  [['Key', 'x'.repeat(8_189)]],
];

for (const metadata of accepted) {
  test(`are accepted: ${JSON.stringify(metadata).slice(0, 40)}`, () => {
    assert.is(metadataProblem(metadata), undefined);
  });
}

const refused: readonly (readonly [string, readonly MetadataPair[], RegExp])[] = [
  ['an empty name', [['', 'x']], /the name ""/],
  ['a name with a blank', [['a b', 'x']], /"a b"/],
  ['a name with a hyphen', [['back-up', 'x']], /"back-up"/],
  ['a name that begins with a digit', [['1st', 'x']], /not beginning with a digit/],
  [
    'a line break in a value',
    [['Key', 'a\r\nx-ms-other: b']],
    /a value of Key that an HTTP header cannot carry/,
  ],
  ['a value that is not ASCII', [['Key', 'täglich']], /a value of Key/],
  ['a value that begins with a blank', [['Key', ' a']], /a value of Key/],
  [
    'a name in two cases',
    [
      ['Key', 'a'],
      ['kEY', 'b'],
    ],
    /the name kEY twice/,
  ],
  ['more than 8 KiB', [['Key', 'x'.repeat(8_190)]], /8193 bytes; expected at most 8192/],
];

for (const [name, metadata, expected] of refused) {
  test(`are refused for ${name}, without quoting a value`, () => {
    const problem = metadataProblem(metadata) ?? '';
    assert.match(problem, expected);
    assert.not.match(problem, 'täglich');
  });
}

test('of a task whatever cannot be sent is left out, with a warning that quotes no value', () => {
  const { metadata, warnings } = sendableMetadata([
    ['Policy', 'täglich'],
    ['a-b', 'x'],
    ['Key', 'a'],
    ['KEY', 'b'],
    ['Long', 'x'.repeat(8_190)],
    ['Flashfreeze_Host', 'b'],
    ['Last', 'c'],
  ]);
  assert.equal(metadata, [
    ['Key', 'a'],
    ['Last', 'c'],
  ]);
  assert.is(warnings.length, 5);
  assert.not.match(warnings.join(), 'täglich');
});

test.run();
