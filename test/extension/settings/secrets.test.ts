import assert from 'node:assert/strict';
import { interpretReportSettings } from '../../../src/extension/settings/report-settings.ts';
import { secretsOf } from '../../../src/extension/settings/secrets.ts';
import { interpretSettings } from '../../../src/extension/settings/task-settings.ts';
import { Redaction } from '../../../src/log/redaction.ts';
import { suite } from '../../suite.ts';
import { PRIVATE_OBJECT, PROPERTY_VALUES } from '../fixtures/samples.ts';

const test = suite('secrets of a task');

const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

test('every signature, the token and the encryption settings are secrets', () => {
  const { logsBlobUri, statusBlobUri } = JSON.parse(PROPERTY_VALUES);
  const metadata = [
    { Key: 'DiskEncryptionSettings', Value: 'wrapped-key' },
    { Key: 'retention', Value: 'plain' },
  ];
  const settings = interpretSettings(
    {
      commandToExecute: 'snapshot',
      objectStr: encode(JSON.stringify({ backupMetadata: metadata })),
      logsBlobUri,
    },
    { objectStr: encode(PRIVATE_OBJECT), statusBlobUri, snapshotTaskToken: 'task-token' },
  );
  const secrets = secretsOf(settings);
  assert.equal(secrets.length, 9);
  const redaction = new Redaction();
  for (const secret of secrets) {
    redaction.add(secret);
  }
  const text = redaction.redact(
    [PRIVATE_OBJECT, logsBlobUri, statusBlobUri, 'task-token wrapped-key plain'].join('\n'),
  );
  for (const secret of secrets) {
    assert.ok(!text.includes(secret));
  }
  assert.match(text, /plain/);
  assert.equal(PRIVATE_OBJECT.match(/sig=/g)?.length, 5);
  assert.doesNotMatch(
    text,
    /TywkROXL1|5S0A6YDWv|X0Me2djBy|oXvtK2IXC|ZUM9d28Mv|DbwYhwfeA|96RZBpTKC/,
  );
});

test('a URI without a signature gives its whole query, one without a query nothing', () => {
  assert.deepEqual(
    secretsOf({
      blobs: ['https://a/c/b', 'https://a/c/b?token=x#fragment', 'https://a/c/b?SIG=y&sig=y&z'].map(
        (url) => ({ url }),
      ),
      logsBlobUri: undefined,
      statusBlobUri: undefined,
    }),
    ['token=x', 'y'],
  );
});

test('where a task reports to has secrets too', () => {
  const { logsBlobUri, statusBlobUri } = JSON.parse(PROPERTY_VALUES);
  assert.equal(secretsOf(interpretReportSettings({ logsBlobUri }, { statusBlobUri })).length, 2);
});

test.run();
