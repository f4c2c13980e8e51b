import * as assert from 'uvu/assert';
import { urisOf } from '../../../src/extension/task/snapshot-uris.ts';
import type { HostSnapshot } from '../../../src/snapshot/snapshot-types.ts';
import { failedAnswer, goodAnswer, targetRecord } from '../../backup/fixtures/records.ts';
import { suite } from '../../suite.ts';

const test = suite('URIs of a snapshot');

const GIVEN = 'https://MD-a.blob.example:443/zz/abcd';
const DIRECT_DRIVE = 'https://md-dd-e4.z48.disk.example/disks/e470ba04-1280';
const IDENTIFIER = {
  createdAt: new Date(0),
  id: 'id',
  token: 'token',
  instantAccessDurationMinutes: undefined,
};

test('the guest names its blob as given, also if it failed', () => {
  const taken = { ...targetRecord(goodAnswer(0, { snapshot: '2026' })), blob: GIVEN };
  assert.equal(urisOf(taken), { snapshotUri: `${GIVEN}?snapshot=2026`, blobUri: GIVEN });
  const failed = { ...targetRecord(failedAnswer(0, {})), blob: GIVEN };
  assert.equal(urisOf(failed), { snapshotUri: undefined, blobUri: GIVEN });
});

test('what the host names is given back, and a Direct Drive disk has no snapshot URI', () => {
  const cases: readonly (readonly [
    uri: string | undefined,
    directDrive: HostSnapshot['directDrive'],
    snapshotUri: string | undefined,
    blobUri: string | undefined,
  ])[] = [
    [`${GIVEN}?snapshot=2026`, undefined, `${GIVEN}?snapshot=2026`, GIVEN],
    [GIVEN, undefined, GIVEN, GIVEN],
    [undefined, undefined, undefined, undefined],
    [`${DIRECT_DRIVE}/snapshots?snapshotId=C8`, IDENTIFIER, undefined, DIRECT_DRIVE],
    [DIRECT_DRIVE, IDENTIFIER, undefined, DIRECT_DRIVE],
    [undefined, IDENTIFIER, undefined, undefined],
  ];
  for (const [uri, directDrive, snapshotUri, blobUri] of cases) {
    const host: HostSnapshot = { statusCode: 200, uri, lun: undefined, directDrive };
    for (const answer of [goodAnswer(0, { host }), { ...failedAnswer(0, {}), host }]) {
      assert.equal(urisOf(targetRecord(answer)), { snapshotUri, blobUri });
    }
  }
});

test.run();
