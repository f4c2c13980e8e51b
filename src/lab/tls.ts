import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

const EXTENSIONS = [
  'basicConstraints=critical,CA:FALSE',
  'subjectAltName=DNS:localhost,DNS:*.blob.core.windows.net,IP:127.0.0.1,IP:::1',
  'extendedKeyUsage=serverAuth',
].join('\n');

/**
 * Makes a certificate authority and a server certificate for this lab only. Node reads
 * NODE_EXTRA_CA_CERTS when it starts, so this happens before the lab's own script is started.
 */
export async function createLabCertificates(directory = '/lab/tls'): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const file = (name: string): string => join(directory, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  await Promise.all([
    runCommand('openssl', [
      ...['req', '-x509', ...newKey, '-days', '30', '-subj', '/CN=flashfreeze lab'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
      ...['-keyout', file('ca.key'), '-out', file('ca.pem')],
    ]),
    runCommand('openssl', [
      ...['req', ...newKey, '-subj', '/CN=localhost'],
      ...['-keyout', file('server.key'), '-out', file('server.csr')],
    ]),
  ]);
  writeFileSync(file('extensions'), EXTENSIONS);
  await runCommand('openssl', [
    ...['x509', '-req', '-days', '30', '-in', file('server.csr'), '-extfile', file('extensions')],
    ...['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'],
    ...['-out', file('server.pem')],
  ]);
}
