import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
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
];

/**
 * A certificate for the resource manager of every cloud, by the lab's authority if that exists and by a new one
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
  const caPath = join(signer, 'ca.pem');
  return await create(directory, 'arm', caPath, [
    ...['-CA', caPath, '-CAkey', join(signer, 'ca.key')],
    // Not from a serial file beside the authority: several labs may sign with it at once.
    ...['-set_serial', `0x0${randomBytes(15).toString('hex')}`],
  ]);
}

/** Signed by itself: no client trusts it. */
export async function untrustedCertificate(directory: string): Promise<ServerCertificate> {
  await mkdir(directory, { recursive: true });
  return await create(directory, 'untrusted', join(directory, 'untrusted.pem'), []);
}

async function create(
  directory: string,
  name: string,
  caPath: string,
  signing: readonly string[],
): Promise<ServerCertificate> {
  const [certPath, keyPath] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)];
  await runCommand('openssl', [
    ...['req', '-x509', '-days', '30', '-subj', `/CN=${ARM_HOSTS.AzurePublicCloud}`],
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', ...signing],
    ...EXTENSIONS.flatMap((extension) => ['-addext', extension]),
    ...['-keyout', keyPath, '-out', certPath],
  ]);
  return { caPath, certPath, keyPath };
}
