import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  isRestoredMachine,
  readRoleGuid,
  readStoredIdentity,
  roleGuid,
  storeIdentity,
  uniqueMachineId,
} from '../../src/extension/machine-identity.ts';
import { suite } from '../suite.ts';

const test = suite('machine identity');

const GUID = '{73d95f1c-6472-e58e-7a1a-523554e11d46}';
const PLAIN = '73d95f1c-6472-e58e-7a1a-523554e11d46';

/** Of the form that the agent keeps. */
const XML = `<?xml version="1.0" encoding="utf-8"?>
<HostingEnvironmentConfig version="1.0.0.0" goalStateIncarnation="1">
  <StoredCertificates>
    <StoredCertificate name="Stored0" certificateId="sha1:xxx" storeName="My" configurationLevel="System" />
  </StoredCertificates>
  <Deployment name="db00a7755a5e4e8a" guid="{ce5a036f-5c93-40e7-8adf-2613631008ab}" incarnation="2">
    <Service name="MyService" guid="{00000000-0000-0000-0000-000000000000}" />
  </Deployment>
  <Incarnation number="1" instance="MachineRole_IN_0" guid="{a0faca35-52e5-4ec7-8fd1-63d2bc107d9b}" />
  <!-- <Role guid="{commented-out}" /> -->
  <Role guid="${GUID}" name="MachineRole" hostingEnvironmentVersion="1" software="" settleTimeSeconds="10" />
  <HostingEnvironmentSettings name="full" Runtime="rd_fabric_stable.110217-1402.RuntimePackage_1.0.0.8.zip">
    <CAS mode="full" /> <Roles><Role guid="{another}" /></Roles>
  </HostingEnvironmentSettings>
</HostingEnvironmentConfig>
`;

function temporaryFolder() {
  return mkdtempDisposable(join(tmpdir(), 'flashfreeze-identity-'));
}

test('the guid of the first role is read, in any form of the file', async () => {
  for (const xml of [
    XML,
    `\ufeff${XML}`,
    XML.replaceAll('\n', '\r\n'),
    XML.replace(`guid="${GUID}"`, `guid = '${GUID}'`),
    XML.replace(`guid="${GUID}" name`, `Guid=" ${GUID} " name`),
    `<Role guid="${GUID}"><a/></Role>`,
    `<a><b><Role guid="${GUID}"/></b></a>`,
  ]) {
    assert.equal(roleGuid(xml), GUID, xml);
  }
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'HostingEnvironmentConfig.xml'), XML);
  assert.equal(await readRoleGuid(folder.path), GUID);
});

test('what is no XML, has no role or no guid gives none', async () => {
  for (const xml of [
    '',
    'text',
    '<a/>',
    '<Role/>',
    '<Role guid=""/>',
    '<Role name="x"/>',
    '<Roles guid="x"/>',
    '{"Role": {"guid": "x"}}',
    '<',
    '\0\0',
    '<!-- <Role guid="x"/> -->',
  ]) {
    assert.equal(roleGuid(xml), undefined, xml);
  }
  await using folder = await temporaryFolder();
  assert.equal(await readRoleGuid(folder.path), undefined);
  assert.equal(await readRoleGuid(join(folder.path, 'missing')), undefined);
  await mkdir(join(folder.path, 'HostingEnvironmentConfig.xml'));
  assert.equal(await readRoleGuid(folder.path), undefined);
});

test('what is stored is read again, and replaced whole', async () => {
  await using folder = await temporaryFolder();
  assert.equal(await readStoredIdentity(folder.path), undefined);
  await storeIdentity(folder.path, GUID);
  assert.equal(await readStoredIdentity(folder.path), GUID);
  await storeIdentity(folder.path, 'other');
  assert.equal(await readStoredIdentity(folder.path), 'other');
  assert.deepEqual(readdirSync(folder.path), [
    'machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123358B',
  ]);
  await assert.rejects(storeIdentity(join(folder.path, 'missing'), GUID), /ENOENT/);
});

for (const [current, stored, isRestored] of [
  [GUID, GUID, false],
  [GUID, PLAIN, false],
  [GUID.toUpperCase(), GUID, false],
  [GUID, '{a0faca35-52e5-4ec7-8fd1-63d2bc107d9b}', true],
  [undefined, GUID, false],
  [GUID, undefined, false],
  [undefined, undefined, false],
] as const) {
  test(`${current} where ${stored} was is ${isRestored ? '' : 'not '}a restored machine`, () => {
    assert.equal(isRestoredMachine(current, stored), isRestored);
  });
}

test('the lasting identity is made once, without braces, and stays when the role changes', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'azure', 'machine_identity');
  assert.equal(await uniqueMachineId(GUID, path), PLAIN);
  assert.equal(await readFile(path, 'utf8'), PLAIN);
  assert.equal((await stat(path)).mode & 0o777, 0o644);
  assert.equal(await uniqueMachineId('{other}', path), PLAIN);
  assert.equal(await uniqueMachineId(undefined, path), PLAIN);
  assert.deepEqual(readdirSync(join(folder.path, 'azure')), ['machine_identity']);
});

test('what others have written into the file is taken: its first line', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'machine_identity');
  await writeFile(path, `${PLAIN}\r\nmore\n`);
  assert.equal(await uniqueMachineId('{other}', path), PLAIN);
  await writeFile(path, '\n');
  assert.equal(await uniqueMachineId(GUID, path), PLAIN);
  assert.equal(await readFile(path, 'utf8'), PLAIN);
});

test('without a guid nothing is made; where nothing can be written the guid itself serves', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'machine_identity');
  assert.equal(await uniqueMachineId(undefined, path), '');
  assert.deepEqual(readdirSync(folder.path), []);
  await writeFile(join(folder.path, 'file'), '');
  assert.equal(await uniqueMachineId(GUID, join(folder.path, 'file', 'machine_identity')), PLAIN);
  await mkdir(path);
  assert.equal(await uniqueMachineId(GUID, path), PLAIN);
  assert.deepEqual(readdirSync(folder.path).sort(), ['file', 'machine_identity']);
});

test('many at once agree on one identity', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'machine_identity');
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, index) => uniqueMachineId(`{${index}}`, path)),
  );
  assert.deepEqual(new Set(made), new Set([await readFile(path, 'utf8')]));
  assert.deepEqual(readdirSync(folder.path), ['machine_identity']);
});

test.run();
