import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../run-command.ts';
import { sharedKey } from './private-key.ts';

/** As `openssl cms -encrypt` spells them; the fabric uses the first two. */
export const CIPHERS = ['aes-256-cbc', 'des-ede3-cbc', 'aes-128-cbc', 'aes-256-gcm'] as const;
export type Cipher = (typeof CIPHERS)[number];

/** The certificate for which the service encrypts protected settings; the agent has its key. */
export class TransportCertificate {
  /** SHA-1 of the certificate, upper-case hexadecimal. */
  readonly thumbprint: string;
  readonly #certificatePath: string;

  private constructor(thumbprint: string, certificatePath: string) {
    this.thumbprint = thumbprint;
    this.#certificatePath = certificatePath;
  }

  /** Puts `<thumbprint>.crt` and `<thumbprint>.prv` into the agent's library directory. */
  static async create(libraryDirectory: string): Promise<TransportCertificate> {
    await mkdir(libraryDirectory, { recursive: true, mode: 0o700 });
    const file = (name: string): string => join(libraryDirectory, name);
    await writeFile(file('new.prv'), await sharedKey(), { mode: 0o600 });
    await runCommand('openssl', [
      ...['req', '-x509', '-key', file('new.prv'), '-days', '30'],
      ...['-subj', '/CN=LinuxTransport', '-out', file('new.crt')],
    ]);
    const shown = await runCommand('openssl', [
      ...['x509', '-in', file('new.crt'), '-noout', '-fingerprint', '-sha1'],
    ]);
    const thumbprint = shown.split('=')[1]?.replaceAll(':', '').toUpperCase() ?? '';
    await rename(file('new.prv'), file(`${thumbprint}.prv`));
    await rename(file('new.crt'), file(`${thumbprint}.crt`));
    return new TransportCertificate(thumbprint, file(`${thumbprint}.crt`));
  }

  /** Resolves to base64 of the CMS message, as `protectedSettings` holds it. */
  async encrypt(clearText: string, cipher: Cipher = 'aes-256-cbc'): Promise<string> {
    // Through a pipe: the clear text must reach no disk in the tests either.
    return await runCommand(
      'sh',
      [
        '-c',
        'openssl cms -encrypt -outform DER "-$1" "$2" | base64 -w0',
        'sh',
        cipher,
        this.#certificatePath,
      ],
      clearText,
    );
  }
}
