import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FlashfreezeError } from '../../../src/errors.ts';
import {
  type HandlerSettings,
  parseHandlerSettings,
} from '../../../src/extension/settings/handler-settings.ts';
import { suite } from '../../suite.ts';

const test = suite('the settings file');

const THUMBPRINT = '1BE9A13AA1321C7C515EF109746998BAB6D86FD1';

function fileOf(handlerSettings: unknown): string {
  return JSON.stringify({ runtimeSettings: [{ handlerSettings }] });
}

const ENCRYPTED: HandlerSettings = {
  publicSettings: { taskId: 'a' },
  protectedSettings: { kind: 'encrypted', cms: 'MIIB', thumbprint: THUMBPRINT },
};
const ENCRYPTED_FILE = fileOf({
  publicSettings: { taskId: 'a' },
  protectedSettings: 'MIIB',
  protectedSettingsCertThumbprint: THUMBPRINT,
});
const NOTHING: HandlerSettings = { publicSettings: undefined, protectedSettings: { kind: 'none' } };

test('public settings and what is encrypted are told apart', () => {
  assert.deepEqual(parseHandlerSettings(ENCRYPTED_FILE), ENCRYPTED);
});

test('form and case of the file do not matter', () => {
  const content = JSON.parse(ENCRYPTED_FILE);
  const [runtime] = content.runtimeSettings;
  for (const text of [
    `\ufeff${ENCRYPTED_FILE}`,
    JSON.stringify(content, undefined, 2).replaceAll('\n', '\r\n'),
    JSON.stringify({ runtimeSettings: runtime }),
    JSON.stringify([content]),
    JSON.stringify({ runtimeSettings: [{ handlerSettings: [runtime.handlerSettings] }] }),
    ENCRYPTED_FILE.replace('"runtimeSettings"', '"RuntimeSettings"').replace(
      '"publicSettings"',
      '"publicsettings"',
    ),
    ENCRYPTED_FILE.replace('{"taskId":"a"}', JSON.stringify('{"taskId":"a"}')),
    `{"runtimeSettings": null, ${ENCRYPTED_FILE.slice(1)}`,
  ]) {
    assert.deepEqual(parseHandlerSettings(text), ENCRYPTED, text);
  }
});

test('an empty file and every way of saying nothing are no settings', () => {
  for (const text of [
    '',
    ' \r\n\t',
    '\ufeff',
    '\0\0\0\0',
    'null',
    '{}',
    '[]',
    '{"runtimeSettings": null}',
    '{"runtimeSettings": []}',
    '{"runtimeSettings": [null]}',
    '{"runtimeSettings": [{}]}',
    '{"runtimeSettings": [{"handlerSettings": null}]}',
    fileOf({}),
    fileOf({ publicSettings: null, protectedSettings: null }),
    fileOf({ publicSettings: '', protectedSettings: '', protectedSettingsCertThumbprint: '' }),
  ]) {
    assert.deepEqual(parseHandlerSettings(text), NOTHING, text);
  }
});

test('protected settings may be missing, empty, clear, or encrypted with a thumbprint or without', () => {
  const partOf = (settings: object) => parseHandlerSettings(fileOf(settings)).protectedSettings;
  for (const nothing of [null, '', ' \n']) {
    assert.deepEqual(partOf({ protectedSettings: nothing }), { kind: 'none' });
  }
  assert.deepEqual(partOf({ protectedSettings: { a: 1 } }), { kind: 'plain', value: { a: 1 } });
  for (const thumbprint of [undefined, null, '', ' ', 5, {}]) {
    assert.deepEqual(
      partOf({ protectedSettings: 'MIIB', protectedSettingsCertThumbprint: thumbprint }),
      { kind: 'encrypted', cms: 'MIIB', thumbprint: undefined },
    );
  }
});

test('ticks written as a number arrive with every digit', () => {
  const { publicSettings } = parseHandlerSettings(
    fileOf({ publicSettings: { commandStartTimeUTCTicks: 0 } }).replace(
      ':0',
      ':636458000000000001',
    ),
  );
  assert.deepEqual(publicSettings, { commandStartTimeUTCTicks: 636458000000000001n });
});

test('what is of the wrong form is refused without a word of it', () => {
  for (const text of [
    'geheim',
    '{"runtimeSettings": [',
    '{"runtimeSettings": "geheim"}',
    '{"runtimeSettings": ["geheim"]}',
    '5',
    fileOf('geheim'),
    fileOf({ publicSettings: ['geheim'] }),
    fileOf({ publicSettings: 'geheim' }),
    fileOf({ publicSettings: '["geheim"]' }),
    fileOf({ publicSettings: 5 }),
    fileOf({ protectedSettings: ['geheim'] }),
    fileOf({ protectedSettings: 5 }),
    fileOf({ protectedSettings: true }),
  ]) {
    assert.throws(
      () => parseHandlerSettings(text),
      (error) => {
        assert.ok(error instanceof FlashfreezeError && error.code === 'FF_SETTINGS_INVALID', text);
        assert.doesNotMatch(error.message, /geheim/);
        return true;
      },
    );
  }
});

test('any text is either read or refused with the one code', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((it) => `{"runtimeSettings":[{"handlerSettings":${it}}]}`),
      ),
      (text) => {
        try {
          parseHandlerSettings(text);
        } catch (error) {
          assert.ok(error instanceof FlashfreezeError && error.code === 'FF_SETTINGS_INVALID');
        }
      },
    ),
    { numRuns: 500 },
  );
});

test.run();
