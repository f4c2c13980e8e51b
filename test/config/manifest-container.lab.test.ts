import { writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { readManifestContainer } from '../../src/config/manifest-container.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('the file that names the container for manifests');

const FILE = '/root/manifest-container.txt';
const SAS = 'sv=2025-01-05&sr=c&sp=c&sig=abcdefgh';
const URL_TEXT = `https://account.blob.core.windows.net/vhds?${SAS}`;

const CASES: readonly (readonly [name: string, text: string, isUsable: boolean])[] = [
  ['one URL', `${URL_TEXT}\n`, true],
  ['a URL of this machine', `http://127.0.0.1:10000/lab/vhds?${SAS}`, true],
  ['nothing', '\n', false],
  ['two URLs', `${URL_TEXT}\n${URL_TEXT}\n`, false],
  ['a URL without a SAS', 'https://account.blob.core.windows.net/vhds\n', false],
  ['plain http to another machine', `http://account.blob.core.windows.net/vhds?${SAS}`, false],
  ['what is no URL', `account/vhds?${SAS}`, false],
];

for (const [name, text, isUsable] of CASES) {
  test(`${name} ${isUsable ? 'is used' : 'is refused, and nothing of it is repeated'}`, () => {
    writeFileSync(FILE, text, { mode: 0o600 });
    const read = readManifestContainer(FILE);
    assert.is(read.ok, isUsable, JSON.stringify(read));
    if (!read.ok) {
      assert.match(read.message, 'expected one line, the https URL of a container');
      assert.not.match(read.message, /abcdefgh|vhds/);
    } else {
      assert.is(read.url, text.trim());
    }
  });
}

test('a file that does not exist, and a relative path', () => {
  for (const path of ['/root/none', 'none']) {
    const read = readManifestContainer(path);
    assert.ok(!read.ok && read.message.includes(path));
  }
});

test.run();
