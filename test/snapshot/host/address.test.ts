import * as assert from 'uvu/assert';
import { hostOrigin } from '../../../src/snapshot/host/address.ts';
import { suite } from '../../suite.ts';

const test = suite('address of the host service');

const CASES: readonly (readonly [given: string | undefined, origin: string])[] = [
  [undefined, 'http://168.63.129.16'],
  ['', 'http://168.63.129.16'],
  ['  ', 'http://168.63.129.16'],
  ['168.63.129.16', 'http://168.63.129.16'],
  [' 10.0.0.4 ', 'http://10.0.0.4'],
  ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['host.internal', 'http://host.internal'],
  ['fd00::10', 'http://[fd00::10]'],
  // Values that could lead elsewhere, or that are not valid in a URL.
  ['http://evil.example', 'http://168.63.129.16'],
  ['a@b', 'http://168.63.129.16'],
  ['10.0.0.4/path', 'http://168.63.129.16'],
  ['10.0.0.4:99999', 'http://168.63.129.16'],
  ['10.0.0.4:80:80', 'http://168.63.129.16'],
];

for (const [given, origin] of CASES) {
  test(`${JSON.stringify(given)} is ${origin}`, () => {
    assert.is(hostOrigin(given), origin);
    assert.is(new URL(origin).origin, origin);
  });
}

test.run();
