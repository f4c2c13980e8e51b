import { X509Certificate } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { getCACertificates, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { errnoOf } from '../../system/errno.ts';

/** Certificate authorities that are trusted besides those of the runtime. */
export interface Authorities {
  /** PEM, one each; none that the runtime has itself. */
  readonly certificates: readonly string[];
  /** Where they were looked for, for messages. */
  readonly source: string;
  /** What is wrong with SSL_CERT_FILE or the system's file, and what to do; undefined if nothing is. */
  readonly problem: string | undefined;
}

/** Files in which distributions keep the authorities that they and their administrators trust; the first that exists is read. */
export const SYSTEM_BUNDLES: readonly string[] = [
  // Debian, Ubuntu, Flatcar: written by update-ca-certificates.
  '/etc/ssl/certs/ca-certificates.crt',
  // RHEL, Fedora, Azure Linux: written by update-ca-trust. The first is a link to the second, and not on every release.
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  // SUSE
  '/etc/ssl/ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
];

/**
 * Reads the authorities of SSL_CERT_FILE, or of the system if that is not set or of no use. Never throws. (Node.js can
 * do so itself, with --use-system-ca, but reads each certificate of /etc/ssl/certs once for each of its names: that takes
 * more than ten times as long.)
 */
export function readAuthorities(
  environment: Readonly<Record<string, string | undefined>>,
  bundles: readonly string[] = SYSTEM_BUNDLES,
): Authorities {
  const named = environment.SSL_CERT_FILE ?? '';
  if (named === '') {
    return ofSystem(bundles);
  }
  const { certificates = [], problem } = readChecked(named);
  const source = `SSL_CERT_FILE=${named}`;
  if (certificates.length > 0) {
    return { certificates: withoutKnown(certificates), source, problem };
  }
  const system = ofSystem(bundles);
  return { ...system, source: `${source} (not usable), ${system.source}`, problem };
}

function ofSystem(bundles: readonly string[]): Authorities {
  for (const path of bundles) {
    const text = readRegularFile(path);
    if (typeof text === 'string') {
      const found = certificatesIn(text);
      return {
        certificates: withoutKnown(found),
        source: `${path} (${found.length})`,
        problem: undefined,
      };
    }
    if (text.errno !== 'ENOENT' && text.errno !== 'ENOTDIR') {
      const problem = `${path} cannot be read (${text.errno}), so authorities that the system trusts are not known; correct its mode`;
      return { certificates: [], source: `${path} (not readable)`, problem };
    }
  }
  return {
    certificates: [],
    source: `no file of the system (none of ${bundles.join(', ')} exists)`,
    problem: undefined,
  };
}

/** Of a file that a user names, every certificate is read, so that a mistake in it shows. */
function readChecked(path: string): {
  readonly certificates?: readonly string[];
  readonly problem: string | undefined;
} {
  const remedy = 'name a PEM file with certificates, or unset it';
  const text = readRegularFile(path);
  if (typeof text !== 'string') {
    return { problem: `SSL_CERT_FILE=${path} cannot be read (${text.errno}); ${remedy}` };
  }
  const found = certificatesIn(text);
  const certificates = found.filter(isReadable);
  const bad = found.length - certificates.length;
  if (certificates.length === 0) {
    return { problem: `SSL_CERT_FILE=${path} has no readable certificate; ${remedy}` };
  }
  const problem =
    bad === 0
      ? undefined
      : `SSL_CERT_FILE=${path}: ${bad} of ${found.length} certificates cannot be read and are ignored; correct them`;
  return { certificates, problem };
}

/** The text of a regular file; anything else could block the reader. */
function readRegularFile(path: string): string | { readonly errno: string } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return fstatSync(descriptor).isFile()
      ? readFileSync(descriptor, 'latin1')
      : { errno: 'not a regular file' };
  } catch (error) {
    return { errno: errnoOf(error) ?? 'unknown error' };
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}

function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function withoutKnown(certificates: readonly string[]): string[] {
  const known = new Set(rootCertificates);
  return certificates.filter((it) => !known.has(it));
}

function isReadable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).raw.length > 0;
  } catch {
    return false;
  }
}

let read: Authorities | undefined;

/** Those of this machine, read once for each process. */
export function machineAuthorities(): Authorities {
  read ??= readAuthorities(process.env);
  return read;
}

let trusted: Authorities | undefined;

/**
 * Makes every TLS connection of this thread that is opened from now on trust these authorities, besides those of the
 * runtime and of NODE_EXTRA_CA_CERTS. Further calls change nothing.
 */
export function trustAuthorities(authorities: Authorities): void {
  if (trusted !== undefined) {
    return;
  }
  trusted = authorities;
  const { certificates } = authorities;
  if (certificates.length === 0) {
    return;
  }
  const before = getCACertificates('default');
  try {
    setDefaultCACertificates([...before, ...certificates]);
  } catch {
    // One certificate that cannot be read must not hide the others.
    setDefaultCACertificates([...before, ...certificates.filter(isReadable)]);
  }
}

/** As `trustAuthorities`, with those of this machine. */
export function trustMachineAuthorities(): void {
  trustAuthorities(machineAuthorities());
}

/** What this thread trusts, for the message about a certificate that it does not. */
export function describeTrust(): string {
  const extra = process.env.NODE_EXTRA_CA_CERTS ?? '';
  const extraCount = extra === '' ? 0 : getCACertificates('extra').length;
  return [
    `the ${rootCertificates.length} authorities of Node.js`,
    trusted?.source ?? '',
    extra === '' ? '' : `NODE_EXTRA_CA_CERTS=${extra} (${extraCount})`,
  ]
    .filter((it) => it !== '')
    .join(', ');
}
