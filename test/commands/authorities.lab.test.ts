import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { LAB_TLS } from '../../src/lab/lab-paths.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { type Ended, flashfreeze } from './command-line.ts';
import { Rig } from './rig.ts';

await enterLab({ lifetimeSeconds: 600, commands: ['update-ca-certificates'] });

const test = suite('authorities of the system');
const DEBIAN = '/etc/ssl/certs/ca-certificates.crt';
const RHEL = '/etc/pki/tls/certs/ca-bundle.crt';

/** What tells Node.js and OpenSSL about authorities in this process does not reach the command. */
const PLAIN = ['env', '-u', 'NODE_EXTRA_CA_CERTS', '-u', 'SSL_CERT_FILE', '-u', 'SSL_CERT_DIR'];

/** Runs the command in a mount namespace of its own, after some shell commands. */
async function inNamespace(
  preparation: string,
  args: readonly string[],
  environment: readonly string[] = [],
): Promise<Ended> {
  const shell = ['sh', '-ec', `${preparation}; exec "$@"`, 'sh'];
  const under = ['unshare', '--mount', '--propagation', 'private', ...shell, ...PLAIN];
  return await flashfreeze(args, { under: [...under, ...environment] });
}

/** The system's own bundle, with the lab's authority at its end. */
async function bundleWithLab(): Promise<string> {
  const path = '/lab/bundle.crt';
  const system = await readFile(DEBIAN, 'utf8').catch(() => '');
  await writeFile(path, `${system}\n${await readFile(LAB_TLS.caCertificate, 'utf8')}`);
  return path;
}

test('an authority in the bundle of Debian or RHEL is trusted by lanes and by the storage library', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const bundle = await bundleWithLab();
  await mkdir('/etc/pki/tls/certs', { recursive: true });
  await writeFile(RHEL, '');
  for (const preparation of [
    `mount --bind ${bundle} ${DEBIAN}`,
    `mount --bind ${bundle} ${RHEL}; mount -t tmpfs none /etc/ssl/certs`,
  ]) {
    const snapshot = await inNamespace(preparation, ['snapshot', ...rig.blobArguments]);
    assert.is(snapshot.exitCode, 0, snapshot.stderr);
    const list = ['snapshots', 'list', '--container', rig.server.containerUrl()];
    const listed = await inNamespace(preparation, list);
    assert.is(listed.exitCode, 0, listed.stderr);
  }
  await rm('/etc/pki', { recursive: true });
});

test('an authority installed with update-ca-certificates is trusted, and not any more once it is removed', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const installed = '/usr/local/share/ca-certificates/flashfreeze-lab.crt';
  await mkdir('/usr/local/share/ca-certificates', { recursive: true });
  await copyFile(LAB_TLS.caCertificate, installed);
  await runCommand('update-ca-certificates', []);
  const trusted = await inNamespace(':', ['doctor', ...rig.blobArguments]);
  assert.match(trusted.stdout, '✓ blob');
  await rm(installed);
  await runCommand('update-ca-certificates', ['--fresh']);
  const refused = await inNamespace(':', ['doctor', ...rig.blobArguments]);
  assert.match(refused.stdout, '✗ blob');
});

test('an unknown authority is refused, and the message says where was looked and what to do', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const refused = await inNamespace(':', ['snapshot', ...rig.blobArguments]);
  assert.is(refused.exitCode, 2);
  for (const part of [
    DEBIAN,
    'update-ca-certificates',
    'SSL_CERT_FILE',
    'authorities of Node.js',
  ]) {
    assert.match(refused.stderr, part);
  }
  const listed = await inNamespace(':', [
    'snapshots',
    'list',
    '--container',
    rig.server.containerUrl(),
  ]);
  assert.is(listed.exitCode, 2);
  assert.match(listed.stderr, 'update-ca-certificates');
  assert.not.match(listed.stderr, 'sp with l');
});

test('SSL_CERT_FILE is used instead of the bundle; a bad one is named and changes nothing else', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const snapshot = ['snapshot', ...rig.blobArguments];
  const named = await inNamespace(':', snapshot, [`SSL_CERT_FILE=${LAB_TLS.caCertificate}`]);
  assert.is(named.exitCode, 0, named.stderr);
  const bundle = await bundleWithLab();
  await writeFile('/lab/empty.pem', 'no certificate\n');
  for (const [path, reason] of [
    ['/lab/missing.pem', 'ENOENT'],
    ['/lab', 'not a regular file'],
    ['/lab/empty.pem', 'no readable certificate'],
  ] as const) {
    const bad = [`SSL_CERT_FILE=${path}`];
    const warned = await inNamespace(`mount --bind ${bundle} ${DEBIAN}`, snapshot, bad);
    assert.is(warned.exitCode, 0, warned.stderr);
    const said = `${warned.stdout}${warned.stderr}`;
    assert.match(said, `SSL_CERT_FILE=${path}`);
    assert.match(said, reason);
    const refused = await inNamespace(':', snapshot, bad);
    assert.is(refused.exitCode, 2);
    assert.match(refused.stderr, `SSL_CERT_FILE=${path} (not usable)`);
  }
});

test('NODE_EXTRA_CA_CERTS is trusted besides the bundle of the system', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const extra = [`NODE_EXTRA_CA_CERTS=${LAB_TLS.caCertificate}`];
  const ended = await inNamespace(':', ['doctor', ...rig.blobArguments], extra);
  assert.match(ended.stdout, '✓ blob');
});

test.run();
