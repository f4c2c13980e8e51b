import * as assert from 'uvu/assert';
import { type OpenProvider, rewarm } from '../../src/backup/provider.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import type { Rewarmed, SnapshotProvider } from '../../src/snapshot/snapshot-types.ts';
import { blobsAt } from '../snapshot/blob/fixtures/blobs.ts';
import { suite } from '../suite.ts';

const test = suite('connections before the freeze');
const BLOBS = blobsAt('https://a.example/c/one?sig=secret', 'https://a.example/c/two?sig=secret');

function providerThatFinds(found: readonly Rewarmed[]): OpenProvider {
  return {
    kind: 'guest',
    snapshots: { rewarm: async () => found } as unknown as SnapshotProvider,
    targets: BLOBS.map((blob) => ({ name: blob.name, blob })),
  };
}

async function warningsOf(found: readonly Rewarmed[]): Promise<string[]> {
  const warnings: string[] = [];
  await rewarm(providerThatFinds(found), (message) => warnings.push(message));
  return warnings;
}

test('that stay open cause no warning', async () => {
  const found = [0, 1].map((target) => ({ ok: true as const, target, warm: true }));
  assert.equal(await warningsOf(found), []);
});

test('that the server or a proxy closes after every answer are a warning by name, without secrets', async () => {
  const warnings = await warningsOf([
    { ok: true, target: 0, warm: true },
    { ok: true, target: 1, warm: false },
  ]);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? '', /1 of 2 snapshot requests .*: https:\/\/a\.example\/c\/two$/);
  assert.not.match(warnings.join(), 'secret');
});

test('that are lost end the run', async () => {
  const failure = {
    kind: 'refused',
    message: 'https://a.example: refuses the connection',
    httpStatus: undefined,
    serviceCode: undefined,
    requestId: undefined,
  } as const;
  try {
    await warningsOf([
      { ok: false, target: 0, failure },
      { ok: true, target: 1, warm: true },
    ]);
    assert.unreachable();
  } catch (error) {
    assert.is(error instanceof FlashfreezeError && error.code, 'FF_BLOB_UNREACHABLE');
  }
});

test.run();
