import * as assert from 'uvu/assert';
import { handlerManifest, imageManifest } from '../../src/package/manifest.ts';
import { payloadPackageJson } from '../../src/package/program-payload.ts';
import { suite } from '../suite.ts';

const test = suite('manifests');

const HANDLER = { publisher: 'Some.Publisher', type: 'SnapshotLinux', version: '1.2.3.4' };

test('the handler manifest is an array of one object with every command and flag', () => {
  const [only, ...others] = JSON.parse(handlerManifest(HANDLER));
  assert.equal(others, []);
  assert.is(only.name, 'Some.Publisher.SnapshotLinux');
  assert.is(only.version, '1.2.3.4');
  const { handlerManifest: manifest } = only;
  for (const name of ['install', 'uninstall', 'update', 'enable', 'disable']) {
    assert.is(manifest[`${name}Command`], `flashfreeze extension ${name}`);
  }
  for (const flag of [
    'rebootAfterInstall',
    'reportHeartbeat',
    'continueOnUpdateFailure',
    'supportsMultipleExtensions',
  ]) {
    assert.type(manifest[flag], 'boolean', flag);
  }
});

test('no heartbeat is promised', () => {
  assert.is(JSON.parse(handlerManifest(HANDLER))[0].handlerManifest.reportHeartbeat, false);
});

test('the image manifest names publisher, type and version', () => {
  const xml = imageManifest(HANDLER);
  assert.match(xml, '<ProviderNameSpace>Some.Publisher</ProviderNameSpace>');
  assert.match(xml, '<Type>SnapshotLinux</Type>');
  assert.match(xml, '<Version>1.2.3.4</Version>');
  assert.match(xml, '<SupportedOS>Linux</SupportedOS>');
});

test('the payload says that it is made of modules', () => {
  assert.is(JSON.parse(payloadPackageJson({ name: 'A.B', version: '1.0.0.0' })).type, 'module');
});

test.run();
