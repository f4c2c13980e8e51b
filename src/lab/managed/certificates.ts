import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerCertificate } from '../blob-server/model.ts';
import { runCommand } from '../run-command.ts';
import { createLabCertificates } from '../tls.ts';
import { ARM_HOSTS } from './options.ts';

const NAMES = [...Object.values(ARM_HOSTS).map((name) => `DNS:${name}`), 'DNS:localhost'];
const EXTENSIONS = [
  'basicConstraints=critical,CA:FALSE',
  `subjectAltName=${NAMES.join(',')},IP:127.0.0.1,IP:::1`,
  'extendedKeyUsage=serverAuth',
].join('\n');

/**
 * A certificate for the resource manager of every cloud, by the lab's authority where that exists and by a new one
 * otherwise.
 *
 * @param directory for the files made here
 */
export async function armCertificate(
  directory: string,
  authority = '/lab/tls',
): Promise<ServerCertificate> {
  await mkdir(directory, { recursive: true });
  const signer = existsSync(join(authority, 'ca.key')) ? authority : directory;
  if (signer === directory) {
    await createLabCertificates(directory);
  }
  const file = (name: string): string => join(directory, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  await writeFile(file('arm.extensions'), EXTENSIONS);
  await runCommand('openssl', [
    ...['req', ...newKey, '-subj', `/CN=${ARM_HOSTS.AzurePublicCloud}`],
    ...['-keyout', file('arm.key'), '-out', file('arm.csr')],
  ]);
  await runCommand('openssl', [
    ...['x509', '-req', '-days', '30', '-in', file('arm.csr'), '-extfile', file('arm.extensions')],
    ...['-CA', join(signer, 'ca.pem'), '-CAkey', join(signer, 'ca.key')],
    // Not from a serial file beside the authority: several labs may sign with it at once.
    ...['-set_serial', `0x0${randomBytes(15).toString('hex')}`, '-out', file('arm.pem')],
  ]);
  return { caPath: join(signer, 'ca.pem'), certPath: file('arm.pem'), keyPath: file('arm.key') };
}
