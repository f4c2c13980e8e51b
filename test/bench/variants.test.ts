import { resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { variant } from '../../bench/variants.ts';
import { suite } from '../suite.ts';

const test = suite('bench variants');

test('a variant is settings separated by commas, and named by them', () => {
  assert.equal(variant('lanes=2,fire=barrier,settle=no'), {
    name: 'lanes=2,fire=barrier,settle=no',
    lanes: 2,
    fire: 'barrier',
    settle: false,
  });
  assert.is(variant('checkout=../other').checkout, resolve('../other'));
  assert.equal(variant('node=--no-opt --max-lazy').nodeOptions, ['--no-opt', '--max-lazy']);
});

test('what is not understood is refused with what was expected', () => {
  for (const text of ['', 'lanes', 'lanes=0', 'fire=late', 'threads=2']) {
    assert.throws(() => variant(text), /Expected/, text);
  }
});

test.run();
