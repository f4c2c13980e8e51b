import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlashfreezeError } from '../../src/errors.ts';
import {
  type HandlerEnvironment,
  readAgentEnvironment,
  readHandlerEnvironment,
} from '../../src/extension/environment.ts';
import { suite } from '../suite.ts';

const test = suite('what the agent hands over');

const FOLDERS = {
  logFolder: '/var/log/azure/Example.Snapshot',
  configFolder: '/var/lib/waagent/Example.Snapshot-1.0.0.1/config',
  statusFolder: '/var/lib/waagent/Example.Snapshot-1.0.0.1/status',
  heartbeatFile: '/var/lib/waagent/Example.Snapshot-1.0.0.1/heartbeat.log',
  eventsFolder: '/var/log/azure/Example.Snapshot/events',
};
const ENTRY = { name: 'Example.Snapshot', version: 1.0, handlerEnvironment: FOLDERS };
const EXPECTED: HandlerEnvironment = { name: 'Example.Snapshot', ...FOLDERS };

async function readingOf(text: string | Uint8Array): Promise<HandlerEnvironment> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'Other.Name-2.0.0.0-'));
  await writeFile(join(directory.path, 'HandlerEnvironment.json'), text);
  return await readHandlerEnvironment(directory.path);
}

test('an array of one, an object, a byte order mark and CRLF all read the same', async () => {
  const text = JSON.stringify([ENTRY], undefined, 2);
  for (const variant of [
    text,
    JSON.stringify(ENTRY),
    `\ufeff${text}`,
    text.replaceAll('\n', '\r\n'),
    JSON.stringify([ENTRY, { name: 'another' }]),
    text
      .replace('"configFolder"', '"ConfigFolder"')
      .replace('"handlerEnvironment"', '"HandlerEnvironment"'),
    JSON.stringify([
      { ...ENTRY, handlerEnvironment: { ...FOLDERS, deploymentid: null, instance: 7 } },
    ]),
  ]) {
    assert.deepEqual(await readingOf(variant), EXPECTED);
  }
});

test('an old agent names no events folder, and one without heartbeat no file', async () => {
  for (const nothing of [undefined, null, '', ' ', 7]) {
    const handlerEnvironment = { ...FOLDERS, eventsFolder: nothing, heartbeatFile: nothing };
    assert.deepEqual(await readingOf(JSON.stringify([{ ...ENTRY, handlerEnvironment }])), {
      ...EXPECTED,
      eventsFolder: undefined,
      heartbeatFile: undefined,
    });
  }
});

test('a handler without a name is called by its directory', async () => {
  await using parent = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-environment-'));
  const directory = join(parent.path, 'Example.Snapshot-1.0.0.1');
  await mkdir(directory);
  await writeFile(
    join(directory, 'HandlerEnvironment.json'),
    JSON.stringify({ handlerEnvironment: FOLDERS }),
  );
  assert.equal((await readHandlerEnvironment(directory)).name, 'Example.Snapshot');
});

test('paths become absolute, beginning at the directory of the extension', async () => {
  const { statusFolder } = await readingOf(
    JSON.stringify([{ ...ENTRY, handlerEnvironment: { ...FOLDERS, statusFolder: 'status' } }]),
  );
  assert.match(statusFolder, /^\/.*\/Other\.Name-2\.0\.0\.0-[^/]+\/status$/);
});

test('anything else is refused, naming the file', async () => {
  for (const text of [
    '',
    'null',
    '[]',
    '{}',
    '"text"',
    '[{"name": "x"}]',
    '[{"handlerEnvironment": []}]',
    '[{"name": "x", "handlerEnvironment": ',
    JSON.stringify([{ ...ENTRY, handlerEnvironment: { ...FOLDERS, statusFolder: undefined } }]),
    JSON.stringify([{ ...ENTRY, handlerEnvironment: { ...FOLDERS, configFolder: '' } }]),
    JSON.stringify([{ ...ENTRY, handlerEnvironment: { ...FOLDERS, logFolder: 5 } }]),
  ]) {
    await assert.rejects(readingOf(text), (error) => {
      assert.ok(error instanceof FlashfreezeError, text);
      assert.equal(error.code, 'FF_ENVIRONMENT_INVALID');
      assert.match(error.message, /HandlerEnvironment\.json/);
      return true;
    });
  }
});

test('a file that is missing or a directory is refused with the reason', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-environment-'));
  const refused = (reason: RegExp) =>
    assert.rejects(readHandlerEnvironment(directory.path), (error) => {
      assert.ok(error instanceof FlashfreezeError && error.code === 'FF_ENVIRONMENT_INVALID');
      assert.match(error.message, reason);
      return true;
    });
  await refused(/ENOENT/);
  await mkdir(join(directory.path, 'HandlerEnvironment.json'));
  await refused(/EISDIR/);
});

test('the environment of an update is read whole', () => {
  assert.deepEqual(
    readAgentEnvironment({
      ConfigSequenceNumber: '12',
      AZURE_GUEST_AGENT_EXTENSION_PATH: '/var/lib/waagent/Example.Snapshot-1.0.0.2',
      AZURE_GUEST_AGENT_EXTENSION_VERSION: '1.0.0.2',
      AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS: '168.63.129.16',
      AZURE_GUEST_AGENT_UPDATING_FROM_VERSION: '1.0.0.1',
      VERSION: '1.0.0.2',
      AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE: '-9',
      AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE: 'NOT_RUN',
    }),
    {
      sequenceNumber: 12,
      extensionPath: '/var/lib/waagent/Example.Snapshot-1.0.0.2',
      extensionVersion: '1.0.0.2',
      wireProtocolAddress: '168.63.129.16',
      updatingFromVersion: '1.0.0.1',
      version: '1.0.0.2',
      disableExitCode: -9,
      uninstallExitCode: 'NOT_RUN',
    },
  );
});

test('a sequence number is a whole number from 0, anything else is none', () => {
  const numberOf = (text: string | undefined) =>
    readAgentEnvironment({ ConfigSequenceNumber: text }).sequenceNumber;
  assert.equal(numberOf('0'), 0);
  assert.equal(numberOf(' 7\n'), 7);
  assert.equal(numberOf('007'), 7);
  for (const garbage of [
    undefined,
    '',
    ' ',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    'abc',
    '12345678901234567890',
    'NaN',
  ]) {
    assert.equal(numberOf(garbage), undefined, garbage);
  }
});

test('exit codes of earlier commands that make no sense count as not said', () => {
  const codeOf = (text: string) =>
    readAgentEnvironment({ AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE: text }).disableExitCode;
  assert.equal(codeOf('0'), 0);
  assert.equal(codeOf('NOT_RUN'), 'NOT_RUN');
  for (const garbage of ['', 'not_run', '1.5', '99999999999']) {
    assert.equal(codeOf(garbage), undefined, garbage);
  }
});

test.run();
