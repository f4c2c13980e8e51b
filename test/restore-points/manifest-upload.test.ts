import * as assert from 'uvu/assert';
import { placeBeside } from '../../src/restore-points/manifest-upload.ts';
import { blobAt } from '../snapshot/blob/fixtures/blobs.ts';
import { suite } from '../suite.ts';

const test = suite('place of a manifest');

const ACCOUNT = 'https://a.blob.core.windows.net';
const CASES: [string, string, boolean | undefined][] = [
  ['the SAS of a blob', 'sv=1&sr=b&sp=rcw&sig=x', undefined],
  ['the SAS of a directory', 'sv=1&sr=d&sp=rcw&sig=x', undefined],
  ['the SAS of a container that may create', 'sv=1&sr=c&sp=rc&sig=x', true],
  ['the SAS of a container that may write', 'sv=1&sr=c&sp=rwl&sig=x', true],
  ['the SAS of a container that may only read and list', 'sv=1&sr=c&sp=rl&sig=x', undefined],
  ['a stored policy of a container', 'sv=1&sr=c&si=nightly&sig=x', false],
  ['a stored policy of a blob', 'sv=1&sr=b&si=nightly&sig=x', undefined],
  ['the SAS of an account', 'sv=1&ss=b&srt=sco&sp=rwl&sig=x', true],
  ['the SAS of an account for containers only', 'sv=1&ss=b&srt=sc&sp=rwl&sig=x', undefined],
  ['no SAS', 'x=1', undefined],
];

for (const [name, query, isSure] of CASES) {
  test(`${name}: ${isSure === undefined ? 'none' : 'the container of the blob'}`, () => {
    const place = placeBeside(blobAt(`${ACCOUNT}/vhds/a/b%20c.vhd?${query}`));
    assert.equal(
      place,
      isSure === undefined ? undefined : { url: `${ACCOUNT}/vhds?${query}`, isSure },
    );
  });
}

test.run();
