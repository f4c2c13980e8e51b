import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../src/errors.ts';
import {
  DEFAULT_NAME,
  handlerName,
  parseArchitecture,
  parseName,
  parseVersion,
} from '../../src/package/options.ts';
import { suite } from '../suite.ts';

const test = suite('package options');

function refused(parse: () => unknown, named: string): void {
  try {
    parse();
    assert.unreachable(named);
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    assert.is((error as FlashfreezeError).code, 'FF_USAGE');
    assert.match((error as FlashfreezeError).message, named);
  }
}

test('a name is divided at its last dot', () => {
  assert.equal(parseName('Publisher.Type'), { publisher: 'Publisher', type: 'Type' });
  assert.equal(parseName('A.B_c.D2'), { publisher: 'A.B_c', type: 'D2' });
  for (const name of ['Publisher.Type', 'A.B.C', DEFAULT_NAME]) {
    assert.is(handlerName({ ...parseName(name), version: '1.0.0.0' }), name);
  }
});

test('a name that the agent could not divide is refused', () => {
  for (const name of ['Type', '.Type', 'Publisher.', 'A..B', 'A.B-C', 'A.B/C', 'A.B C', 'A.<B>']) {
    refused(() => parseName(name), name);
  }
});

test('a version has four numbers', () => {
  assert.is(parseVersion('1.0.9124.0'), '1.0.9124.0');
  for (const version of ['1.0.0', '1.0.0.0.0', '1.0.0.x', '01.0.0.0', '1.0.0.-1', '1.0.0.']) {
    refused(() => parseVersion(version), version);
  }
});

test('an unknown architecture is refused with those that are known', () => {
  assert.is(parseArchitecture('arm64'), 'arm64');
  refused(() => parseArchitecture('amd64'), 'x64 or arm64');
});

test.run();
