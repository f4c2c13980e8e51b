import * as assert from 'uvu/assert';
import { FlashfreezeError } from '../../../src/errors.ts';
import { parseBlob } from '../../../src/snapshot/blob/blob.ts';
import { requireValidAt } from '../../../src/snapshot/blob/sas-expiry.ts';
import { suite } from '../../suite.ts';

const test = suite('SAS expiry');
const START = new Date('2026-11-29T02:00:00Z');

const blobUntil = (se: string) =>
  parseBlob(
    {
      url: `https://acc.blob.core.windows.net/vhds/a.vhd?sp=rw${se}&sig=c2VjcmV0`,
      device: undefined,
    },
    '--blob',
  );

const cases: readonly [string, Date | undefined, boolean][] = [
  ['&se=2026-11-29T01%3A59%3A59Z', START, true],
  ['&se=2026-11-29T02%3A00%3A00Z', START, true],
  ['&se=2026-11-29', START, true],
  ['&se=2026-11-29T02%3A30%3A00Z', START, false],
  ['&se=2026-11-29T01%3A00%3A00Z', undefined, false],
  ['&se=soon', START, false],
  ['', START, false],
];

for (const [se, startAt, isRefused] of cases) {
  const when = startAt === undefined ? 'at once' : startAt.toISOString();
  test(`a SAS with "${se}" and a start ${when}: ${isRefused ? 'refused' : 'accepted'}`, () => {
    const check = (): void => requireValidAt(startAt, [blobUntil(se)]);
    if (!isRefused) {
      check();
      return;
    }
    assert.throws(
      check,
      (error: unknown) =>
        error instanceof FlashfreezeError &&
        error.code === 'FF_BLOB_REFUSED' &&
        error.message.startsWith('https://acc.blob.core.windows.net/vhds/a.vhd: its SAS expires') &&
        !error.message.includes('c2VjcmV0'),
    );
  });
}

test.run();
