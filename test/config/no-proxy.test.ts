import assert from 'node:assert/strict';
import { bypassesProxy } from '../../src/config/no-proxy.ts';
import { suite } from '../suite.ts';

const test = suite('NO_PROXY');

const BLOB = 'https://acct.blob.core.windows.net/c/b';

for (const [url, noProxy, bypasses] of [
  [BLOB, '', false],
  [BLOB, ' , ', false],
  [BLOB, '*', true],
  [BLOB, 'example.com,*', true],
  [BLOB, 'acct.blob.core.windows.net', true],
  [BLOB, 'ACCT.Blob.Core.Windows.NET', true],
  [BLOB, 'blob.core.windows.net', true],
  [BLOB, '.windows.net', true],
  [BLOB, '*.windows.net', true],
  [BLOB, 'windows.net.', true],
  [BLOB, 'indows.net', false],
  [BLOB, 'cct.blob.core.windows.net', false],
  [BLOB, 'localhost, example.com windows.net', true],
  [BLOB, 'windows.net:443', true],
  [BLOB, 'windows.net:8443', false],
  ['http://acct.blob.core.windows.net/', 'windows.net:80', true],
  [BLOB, '.', false],
  ['https://windows.net', '.windows.net', true],
  ['https://10.1.2.3/c/b', '10.1.2.3', true],
  ['https://10.1.2.3/c/b', '10.0.0.0/8', true],
  ['https://10.1.2.3/c/b', '10.1.2.0/30', true],
  ['https://10.1.2.4/c/b', '10.1.2.0/30', false],
  ['https://10.1.2.3/c/b', '10.1.2', false],
  ['https://10.1.2.3/c/b', '.3', false],
  ['https://10.1.2.3/c/b', '10.0.0.0/33', false],
  ['https://10.1.2.3/c/b', '10.0.0.0/', false],
  ['https://10.1.2.3/c/b', '10.0.0.0/x', false],
  ['https://10.1.2.3/c/b', '0.0.0.0/0', true],
  ['https://10.1.2.3:8443/c/b', '10.1.2.3:8443', true],
  ['https://10.1.2.3:8443/c/b', '10.1.2.3:443', false],
  ['https://[fd00::1]/c/b', 'fd00::1', true],
  ['https://[fd00::1]/c/b', '[fd00::1]', true],
  ['https://[fd00::1]:8443/c/b', '[fd00::1]:8443', true],
  ['https://[fd00::1]:8443/c/b', '[fd00::1]:443', false],
  ['https://[fd00::1]/c/b', 'fd00::/8', true],
  ['https://[fd00::1]/c/b', 'fe80::/10', false],
  ['https://[fd00::1]/c/b', '0.0.0.0/0', false],
] as const) {
  test(`"${noProxy}" ${bypasses ? 'takes out' : 'leaves'} ${url}`, () => {
    assert.equal(bypassesProxy(new URL(url), noProxy), bypasses);
  });
}

test.run();
