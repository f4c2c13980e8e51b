import assert from 'node:assert/strict';
import fc from 'fast-check';
import { interpretReportSettings } from '../../../src/extension/settings/report-settings.ts';
import { suite } from '../../suite.ts';
import { PROPERTY_VALUES } from '../fixtures/samples.ts';

const test = suite('where a task reports to');

const NOTHING = {
  taskId: '',
  startTicks: '',
  locale: 'en-US',
  isV2: false,
  logsBlobUri: undefined,
  statusBlobUri: undefined,
};

test('a report address with plain http to another machine is used over TLS; the machine itself is not another one', () => {
  const uris = {
    logsBlobUri: 'http://a.blob.example:80/c/log?sig=x',
    statusBlobUri: 'http://127.0.0.1:10000/c/status?sig=x',
  };
  const { logsBlobUri, statusBlobUri } = interpretReportSettings(uris, undefined);
  assert.equal(logsBlobUri, 'https://a.blob.example/c/log?sig=x');
  assert.equal(statusBlobUri, uris.statusBlobUri);
});

test('settings that the task itself fails for still say where to report', () => {
  const values = JSON.parse(PROPERTY_VALUES);
  assert.deepEqual(
    interpretReportSettings(
      {
        ...values,
        vmType: 'Microsoft.Compute/virtualMachines',
        commandToExecute: 'nonsense',
        objectStr: '!',
        logsBlobUri: '',
      },
      { logsBlobUri: 'https://a.blob.core.windows.net/c/b' },
    ),
    {
      taskId: values.taskId,
      startTicks: values.commandStartTimeUTCTicks,
      locale: 'en-US',
      isV2: true,
      logsBlobUri: 'https://a.blob.core.windows.net/c/b',
      statusBlobUri: values.statusBlobUri,
    },
  );
});

test('what is of the wrong form counts as not given', () => {
  for (const other of [
    undefined,
    null,
    [],
    'text',
    5,
    { taskId: {}, locale: [], vmType: 5, logsBlobUri: true },
  ]) {
    assert.deepEqual(interpretReportSettings(other, other), NOTHING);
  }
});

test('names with blanks and unicode are percent-encoded, what is encoded stays', () => {
  const uri = ' https://a.blob.core.windows.net/c/my%20status ü.txt?sig=a%2Bb\n';
  const { logsBlobUri, statusBlobUri } = interpretReportSettings(
    { logsBlobUri: uri },
    { statusBlobUri: uri },
  );
  assert.equal(logsBlobUri, 'https://a.blob.core.windows.net/c/my%20status%20%C3%BC.txt?sig=a%2Bb');
  assert.equal(statusBlobUri, logsBlobUri);
});

test('nothing makes it throw', () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (inPublic, inProtected) => {
      interpretReportSettings(inPublic, inProtected);
    }),
  );
});

test.run();
