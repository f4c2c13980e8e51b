import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedKey } from '../../../src/lab/agent/private-key.ts';

/** A lib directory as the agent has it, with a certificate and its key. */
export interface AgentCertificate extends AsyncDisposable {
  readonly libDirectory: string;
  /** In capitals, as the agent names its files. */
  readonly thumbprint: string;
  /** Protected settings as the fabric makes them: base64 of CMS enveloped data. */
  encrypt(clear: string | Uint8Array, options?: readonly string[]): string;
}

/** @param key default: that of all agents of this process */
export async function makeAgentCertificate(
  key: Promise<string> = sharedKey(),
): Promise<AgentCertificate> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-certificate-'));
  const at = (name: string): string => join(directory.path, name);
  writeFileSync(at('new.prv'), await key, { mode: 0o600 });
  openssl([
    ...['req', '-x509', '-key', at('new.prv'), '-days', '1', '-out', at('new.crt')],
    ...['-subj', '/CN=Windows Azure CRP Certificate Generator'],
  ]);
  const printed = openssl(['x509', '-in', at('new.crt'), '-noout', '-fingerprint', '-sha1']);
  const thumbprint = printed.toString().replace(/^.*=/, '').replaceAll(':', '').trim();
  renameSync(at('new.prv'), at(`${thumbprint}.prv`));
  renameSync(at('new.crt'), at(`${thumbprint}.crt`));
  const encrypt = (clear: string | Uint8Array, options = DEFAULT_CIPHER): string =>
    openssl(
      [
        'cms',
        '-encrypt',
        '-binary',
        '-outform',
        'DER',
        ...options,
        ...recipient(options, at(`${thumbprint}.crt`)),
      ],
      clear,
    ).toString('base64');
  return {
    libDirectory: directory.path,
    thumbprint,
    encrypt,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const DEFAULT_CIPHER: readonly string[] = ['-aes256'];

/** With -keyopt the certificate must be named before it, by -recip. */
function recipient(options: readonly string[], certificate: string): string[] {
  return options.includes('-recip') ? [] : [certificate];
}

export function openssl(command: readonly string[], input: string | Uint8Array = ''): Buffer {
  return execFileSync('openssl', command, {
    input,
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  });
}
