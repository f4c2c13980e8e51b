import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtempDisposable, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type ErrorCode, FlashfreezeError } from '../../../src/errors.ts';
import type { ProtectedPart } from '../../../src/extension/settings/handler-settings.ts';
import {
  type DecryptionOptions,
  decryptProtectedSettings,
} from '../../../src/extension/settings/protected-settings.ts';
import { newKey } from '../../../src/lab/agent/private-key.ts';
import { suite } from '../../suite.ts';
import { PRIVATE_OBJECT } from '../fixtures/samples.ts';
import { type AgentCertificate, makeAgentCertificate, openssl } from './agent-certificate.ts';

const test = suite('protected settings');

const SECRET = 'geheim%2Fsignature';
const CLEAR = JSON.stringify({
  objectStr: Buffer.from(PRIVATE_OBJECT).toString('base64'),
  token: SECRET,
});

function encrypted(cms: string, thumbprint: string | undefined): ProtectedPart {
  return { kind: 'encrypted', cms, thumbprint };
}

async function refused(
  decryption: Promise<unknown>,
  code: ErrorCode,
  message: RegExp,
): Promise<void> {
  await assert.rejects(decryption, (error) => {
    assert.ok(error instanceof FlashfreezeError, inspect(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.doesNotMatch(inspect(error), /geheim/);
    return true;
  });
}

/** A program in openssl's place, in a directory of its own. */
async function program(script: string) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-openssl-'));
  const path = join(directory.path, 'openssl');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return { path, directory: directory.path, [Symbol.asyncDispose]: () => directory.remove() };
}

const LEGACY = ['-provider', 'default', '-provider', 'legacy'];

const CIPHERS: readonly (readonly [what: string, options: readonly string[]])[] = [
  ['AES-256', ['-aes256']],
  ['3DES', ['-des3']],
  ['AES-128', ['-aes128']],
  ['AES-192', ['-aes192']],
  ['AES-256-GCM', ['-aes-256-gcm']],
  ['AES-256 and a recipient named by key identifier', ['-aes256', '-keyid']],
  ['Camellia-256', ['-camellia256']],
  ...legacyCiphers(),
];

/** Of the provider that not every distribution installs; nothing can make or read them without it. */
function legacyCiphers() {
  try {
    openssl(['list', '-providers', ...LEGACY]);
  } catch {
    return [];
  }
  return [
    ['RC2-40', ['-rc2-40', ...LEGACY]],
    ['RC2-128', ['-rc2-128', ...LEGACY]],
    ['DES', ['-des', ...LEGACY]],
  ] as const;
}

test('every cipher in use is decrypted', async () => {
  await using agent = await makeAgentCertificate();
  for (const [what, options] of CIPHERS) {
    const part = encrypted(agent.encrypt(CLEAR, options), agent.thumbprint);
    assert.deepEqual(
      await decryptProtectedSettings(part, agent.libDirectory),
      JSON.parse(CLEAR),
      what,
    );
  }
  const certificate = join(agent.libDirectory, `${agent.thumbprint}.crt`);
  const oaep = ['-aes256', '-recip', certificate, '-keyopt', 'rsa_padding_mode:oaep'];
  const part = encrypted(agent.encrypt(CLEAR, oaep), agent.thumbprint);
  assert.deepEqual(await decryptProtectedSettings(part, agent.libDirectory), JSON.parse(CLEAR));
});

test('what smime makes is decrypted too, also where only smime understands it', async () => {
  await using agent = await makeAgentCertificate();
  const certificate = join(agent.libDirectory, `${agent.thumbprint}.crt`);
  for (const cipher of ['-aes256', '-des3']) {
    const cms = openssl(
      ['smime', '-encrypt', '-binary', '-outform', 'DER', cipher, certificate],
      CLEAR,
    );
    const part = encrypted(cms.toString('base64'), agent.thumbprint);
    assert.deepEqual(await decryptProtectedSettings(part, agent.libDirectory), JSON.parse(CLEAR));
    await using onlySmime = await program('[ "$1" = smime ] || exit 3; exec openssl "$@"');
    const options = { openssl: onlySmime.path };
    assert.deepEqual(
      await decryptProtectedSettings(part, agent.libDirectory, options),
      JSON.parse(CLEAR),
    );
  }
});

test('base64 with line breaks, a byte order mark inside and settings of 65 disks are read', async () => {
  await using agent = await makeAgentCertificate();
  const { libDirectory, thumbprint } = agent;
  const clear = JSON.stringify({ blobs: Array.from({ length: 65 }, () => 'x'.repeat(2_000)) });
  const cms = agent.encrypt(`\ufeff${clear}\r\n`).replace(/(.{64})/g, '$1\r\n');
  assert.deepEqual(
    await decryptProtectedSettings(encrypted(cms, thumbprint), libDirectory),
    JSON.parse(clear),
  );
});

test('nothing encrypted needs no certificate', async () => {
  assert.equal(await decryptProtectedSettings({ kind: 'none' }, '/nowhere'), undefined);
  const value = { a: 1 };
  assert.equal(await decryptProtectedSettings({ kind: 'plain', value }, '/nowhere'), value);
});

test('encrypted nothing is nothing', async () => {
  await using agent = await makeAgentCertificate();
  for (const [clear, expected] of [
    ['', undefined],
    [' \n', undefined],
    ['null', null],
    ['{}', {}],
  ] as const) {
    const part = encrypted(agent.encrypt(clear), agent.thumbprint);
    assert.deepEqual(await decryptProtectedSettings(part, agent.libDirectory), expected);
  }
});

test('the certificate is found however the thumbprint is written', async () => {
  await using agent = await makeAgentCertificate();
  const { libDirectory, thumbprint } = agent;
  const cms = agent.encrypt(CLEAR);
  for (const spelling of [
    thumbprint.toLowerCase(),
    ` ${thumbprint}\n`,
    `\u200e${thumbprint.replace(/(..)(?=.)/g, '$1:')}`,
    thumbprint.replace(/(..)(?=.)/g, '$1 '),
  ]) {
    assert.deepEqual(
      await decryptProtectedSettings(encrypted(cms, spelling), libDirectory),
      JSON.parse(CLEAR),
    );
  }
  for (const end of ['crt', 'prv']) {
    await rename(
      join(libDirectory, `${thumbprint}.${end}`),
      join(libDirectory, `${thumbprint.toLowerCase()}.${end}`),
    );
  }
  assert.deepEqual(
    await decryptProtectedSettings(encrypted(cms, thumbprint), libDirectory),
    JSON.parse(CLEAR),
  );
});

test('no thumbprint, no certificate, no key: the certificate is missing', async () => {
  await using agent = await makeAgentCertificate();
  const { libDirectory, thumbprint } = agent;
  const cms = agent.encrypt(CLEAR);
  const missing = (name: string | undefined, message: RegExp, directory = libDirectory) =>
    refused(
      decryptProtectedSettings(encrypted(cms, name), directory),
      'FF_CERTIFICATE_MISSING',
      message,
    );
  await missing(undefined, /have no protectedSettingsCertThumbprint/);
  for (const name of [
    '../../etc/passwd',
    '..',
    '/',
    'a b/c',
    '\u200e',
    '-recip',
    `${thumbprint}\0`,
  ]) {
    await missing(name, /is not a thumbprint/);
  }
  await missing('0'.repeat(40), /0000\.crt or its key .*0000\.prv is not there/);
  await missing(thumbprint, /is not there/, '/nowhere');
  await rm(join(libDirectory, `${thumbprint}.prv`));
  await missing(thumbprint, /is not there/);
  await mkdir(join(libDirectory, `${thumbprint}.prv`));
  await missing(thumbprint, /is not there/);
});

test('no base64, and no JSON or no UTF-8 inside, are invalid settings', async () => {
  await using agent = await makeAgentCertificate();
  const invalid = (cms: string, message: RegExp) =>
    refused(
      decryptProtectedSettings(encrypted(cms, agent.thumbprint), agent.libDirectory),
      'FF_SETTINGS_INVALID',
      message,
    );
  await invalid('geheim!', /^protectedSettings is not base64/);
  await invalid(
    agent.encrypt('geheim'),
    /^the decrypted text of protectedSettings is not valid JSON/,
  );
  await invalid(agent.encrypt('{"a": "geheim'), /is not valid JSON/);
  await invalid(agent.encrypt(Buffer.from('"gehéim"', 'latin1')), /is not UTF-8/);
});

test('what cannot be decrypted is said with openssl’s reasons', async () => {
  await using agent = await makeAgentCertificate();
  await using other = await makeAgentCertificate(newKey());
  const failed = (cms: string, options?: DecryptionOptions) =>
    refused(
      decryptProtectedSettings(encrypted(cms, agent.thumbprint), agent.libDirectory, options),
      'FF_DECRYPTION_FAILED',
      /^protectedSettings cannot be decrypted with the agent's certificate \(cms: .+; smime: .+\)/,
    );
  await failed(Buffer.from('no CMS at all').toString('base64'));
  await failed(other.encrypt(CLEAR));
  await failed(agent.encrypt(CLEAR).slice(0, 400));
  await writeFile(join(agent.libDirectory, `${agent.thumbprint}.prv`), '');
  await failed(agent.encrypt(CLEAR));
});

test('a key with a pass phrase fails instead of asking for it', async () => {
  await using agent = await makeAgentCertificate();
  const key = join(agent.libDirectory, `${agent.thumbprint}.prv`);
  await writeFile(key, openssl(['rsa', '-in', key, '-aes256', '-passout', 'pass:geheim']));
  await refused(
    decryptProtectedSettings(encrypted(agent.encrypt(CLEAR), agent.thumbprint), agent.libDirectory),
    'FF_DECRYPTION_FAILED',
    /cms: /,
  );
});

test('an openssl that is missing, hangs or floods ends in time with its name', async () => {
  await using agent = await makeAgentCertificate();
  const part = encrypted(agent.encrypt(CLEAR), agent.thumbprint);
  const failed = (options: DecryptionOptions, message: RegExp) =>
    refused(
      decryptProtectedSettings(part, agent.libDirectory, options),
      'FF_DECRYPTION_FAILED',
      message,
    );
  await failed({ openssl: '/nowhere/openssl' }, /cannot run \/nowhere\/openssl \(ENOENT\)/);
  await using hanging = await program('exec sleep 1000');
  await failed({ openssl: hanging.path, timeLimitMs: 200 }, /did not end within \d+ ms/);
  await using flooding = await program('exec cat /dev/zero');
  await failed({ openssl: flooding.path }, /wrote more than 16777216 bytes/);
  await using silent = await program('exit 7');
  await failed({ openssl: silent.path }, /cms: exit code 7; smime: exit code 7/);
});

test('the secrets are in no argument, no environment and no file', async () => {
  await using agent = await makeAgentCertificate();
  const { libDirectory, thumbprint } = agent;
  await using watched = await program(
    'here=$(dirname "$0"); tr "\\0" "\\n" </proc/$$/environ >"$here/environment"; echo "$@" >"$here/arguments"; exec openssl "$@"',
  );
  const before = readdirSync(tmpdir());
  process.env.FLASHFREEZE_TEST_SECRET = SECRET;
  try {
    const part = encrypted(agent.encrypt(CLEAR), thumbprint);
    await decryptProtectedSettings(part, libDirectory, { openssl: watched.path });
  } finally {
    delete process.env.FLASHFREEZE_TEST_SECRET;
  }
  const environment = await readFile(join(watched.directory, 'environment'), 'utf8');
  assert.match(environment, /^PATH=/m);
  assert.doesNotMatch(environment, /geheim|HOME=/);
  const given = await readFile(join(watched.directory, 'arguments'), 'utf8');
  assert.match(given, /^cms -decrypt -inform DER -recip \S+\.crt -inkey \S+\.prv/);
  assert.doesNotMatch(given, /geheim|MII/);
  assert.deepEqual(
    readdirSync(libDirectory).sort(),
    [`${thumbprint}.crt`, `${thumbprint}.prv`].sort(),
  );
  const added = readdirSync(tmpdir()).filter((name) => !before.includes(name));
  assert.deepEqual(
    added.filter((name) => name.startsWith('tmp')),
    [],
  );
});

test('a certificate of another kind does not help: nothing is decrypted without the key', async () => {
  await using agent: AgentCertificate = await makeAgentCertificate();
  await using other = await makeAgentCertificate(newKey());
  await writeFile(
    join(agent.libDirectory, `${agent.thumbprint}.prv`),
    await readFile(join(other.libDirectory, `${other.thumbprint}.prv`)),
  );
  await assert.rejects(
    decryptProtectedSettings(encrypted(agent.encrypt(CLEAR), agent.thumbprint), agent.libDirectory),
    (error) => error instanceof FlashfreezeError && error.code !== 'FF_CERTIFICATE_MISSING',
  );
});

test.run();
