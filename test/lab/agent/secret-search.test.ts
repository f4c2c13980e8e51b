import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { SecretSearch } from '../../../src/lab/agent/secret-search.ts';
import { suite } from '../../suite.ts';

const test = suite('search for secrets');
const SIGNATURE = 'TywkROXL1zvhXcLujtCut8g3+TpgbE6JpSWRLZxAdtA=';
const search = new SecretSearch({ signature: SIGNATURE });

test('finds a secret as it is, in a URL, in JSON and in base64', () => {
  const url = `https://a/b?sig=${encodeURIComponent(SIGNATURE)}&x`;
  for (const before of ['', 'a', 'ab', 'abc']) {
    const texts = [
      `${before}${SIGNATURE}`,
      `${before}${url}`,
      JSON.stringify({ url: `${before}${url}` }).replaceAll('/', '\\/'),
      Buffer.from(`${before}${SIGNATURE}, more`).toString('base64'),
    ];
    for (const text of texts) {
      assert.equal(search.inText(text), ['signature'], text);
    }
  }
  assert.equal(search.inText('https://a/b?sig=REDACTED'), []);
});

test('refuses a secret that chance would find', () => {
  assert.throws(() => new SecretSearch({ short: 'abc-def' }), 'short');
});

test('finds it in files, in sparse images and among binary data', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  try {
    await writeFile(join(folder, 'clean'), 'nothing');
    await writeFile(
      join(folder, 'binary'),
      Buffer.concat([Buffer.alloc(9), Buffer.from(SIGNATURE)]),
    );
    const image = await open(join(folder, 'image'), 'w');
    await image.truncate(2 ** 30);
    await image.write(SIGNATURE, 2 ** 29);
    await image.close();
    const found = await search.inFiles([folder]);
    assert.equal(found.sort(), [join(folder, 'binary'), join(folder, 'image')]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('finds it in command lines, environments and titles', () => {
  const found = search.inProcesses([
    { pid: 1, commandLine: ['a', SIGNATURE], environment: [], titles: ['a'] },
    { pid: 2, commandLine: ['a'], environment: [`A=${SIGNATURE}`], titles: ['a'] },
    { pid: 3, commandLine: ['a'], environment: ['A=b'], titles: [SIGNATURE] },
    { pid: 4, commandLine: ['a'], environment: ['A=b'], titles: ['a'] },
  ]);
  assert.equal(found, ['1 command line', '2 environment', '3 title']);
});

test.run();
