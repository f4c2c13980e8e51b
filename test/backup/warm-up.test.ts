import * as assert from 'uvu/assert';
import { rehearse } from '../../src/backup/warm-up.ts';
import { suite } from '../suite.ts';

const test = suite('rehearsal');

test('ends for file systems in images, shared disks and disks without file systems', async () => {
  const input = {
    fileSystems: [
      { awaits: [0, 1], thawsAfter: [1] },
      { awaits: [1], thawsAfter: [] },
    ],
    targets: [{ needs: [0] }, { needs: [0, 1] }, { needs: [0, 1] }],
    waves: [[0], [1]],
  };
  for (const sequential of [false, true]) {
    assert.is(await rehearse({ ...input, sequential }), undefined);
  }
});

test('ends if nothing is frozen', async () => {
  const input = { fileSystems: [], targets: [{ needs: [] }], waves: [], sequential: false };
  assert.is(await rehearse(input), undefined);
});

test.run();
