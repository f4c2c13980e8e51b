import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FlashfreezeError } from '../../errors.ts';
import { isBlank, parseJson } from '../../system/json.ts';
import { decodeBase64, utf8Of } from './encoded-object.ts';
import type { ProtectedPart } from './handler-settings.ts';
import { type OpensslLimits, runOpenssl } from './openssl.ts';

export interface DecryptionOptions {
  /** Default: `openssl`, looked for along PATH. */
  readonly openssl?: string;
  /** For all attempts together. Default: 60,000. */
  readonly timeLimitMs?: number;
}

/** 65 disks with long SAS URIs are some 50 KiB. */
const MAX_CLEAR_BYTES = 16 * 1024 * 1024;
const LABEL = 'protectedSettings';

/**
 * The clear protected settings, which are secret: parsed JSON, undefined if there are none. They
 * exist in memory and in pipes only; openssl(1), which the agent itself needs, decrypts them with
 * `<libDirectory>/<THUMBPRINT>.crt` and `.prv`.
 *
 * @param libDirectory the agent's, `/var/lib/waagent`
 * @throws FlashfreezeError FF_CERTIFICATE_MISSING: no thumbprint, or no such certificate or key;
 * FF_SETTINGS_INVALID: not base64, or not JSON inside; FF_DECRYPTION_FAILED
 */
export async function decryptProtectedSettings(
  part: ProtectedPart,
  libDirectory: string,
  options: DecryptionOptions = {},
): Promise<unknown> {
  switch (part.kind) {
    case 'none':
      return undefined;
    case 'plain':
      return part.value;
    case 'encrypted': {
      const certificate = await findCertificate(part.thumbprint, libDirectory);
      const clear = await decrypt(decodeBase64(part.cms, LABEL), certificate, options);
      const text = utf8Of(clear, `the decrypted text of ${LABEL}`);
      return isBlank(text) ? undefined : parseJson(text, `the decrypted text of ${LABEL}`);
    }
  }
}

interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** The agent names its files in upper case; a thumbprint copied by hand may have blanks or colons. */
async function findCertificate(
  thumbprint: string | undefined,
  libDirectory: string,
): Promise<Certificate> {
  if (thumbprint === undefined) {
    throw missing(`${LABEL} have no protectedSettingsCertThumbprint`);
  }
  const name = thumbprint.replace(/[\s:\u200e\u200f\ufeff]+/g, '');
  if (!/^[\da-z]{1,128}$/i.test(name)) {
    throw missing('protectedSettingsCertThumbprint is not a thumbprint');
  }
  for (const spelling of new Set([name, name.toUpperCase(), name.toLowerCase()])) {
    const files = certificateFiles(libDirectory, spelling);
    if ((await isFile(files.certificate)) && (await isFile(files.key))) {
      return files;
    }
  }
  const { certificate, key } = certificateFiles(libDirectory, name.toUpperCase());
  throw missing(`the certificate ${certificate} or its key ${key} is not there`);
}

function certificateFiles(libDirectory: string, name: string): Certificate {
  return {
    certificate: join(libDirectory, `${name}.crt`),
    key: join(libDirectory, `${name}.prv`),
  };
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}

function missing(problem: string): FlashfreezeError {
  return new FlashfreezeError(
    'FF_CERTIFICATE_MISSING',
    `${problem}; the agent provides it with the next goal state.`,
  );
}

/** Both commands read PKCS #7 enveloped data; each reads some forms that the other refuses. */
const COMMANDS = ['cms', 'smime'] as const;

/** OpenSSL 3 has RC2 and single DES in a separate provider; older versions do not know the option. */
const PROVIDERS = [[], ['-provider', 'default', '-provider', 'legacy']] as const;

async function decrypt(
  encrypted: Uint8Array,
  { certificate, key }: Certificate,
  { openssl = 'openssl', timeLimitMs = 60_000 }: DecryptionOptions,
): Promise<Buffer> {
  const deadline = performance.now() + timeLimitMs;
  const limits = (): OpensslLimits => ({
    timeLimitMs: Math.max(1, Math.ceil(deadline - performance.now())),
    mostOutputBytes: MAX_CLEAR_BYTES,
  });
  // A key with a pass phrase must fail: there is no terminal on which openssl could ask for it.
  const files = ['-recip', certificate, '-inkey', key, '-passin', 'pass:'];
  const reasons: string[] = [];
  for (const provider of PROVIDERS) {
    for (const name of COMMANDS) {
      const command = [name, '-decrypt', '-inform', 'DER', ...provider, ...files];
      const result = await runOpenssl(openssl, command, encrypted, limits());
      if (result.kind === 'done') {
        return result.output;
      }
      reasons.push(`${name}: ${result.reason}`);
      if (result.kind === 'broken') {
        throw failed(reasons);
      }
    }
  }
  throw failed(reasons.slice(0, COMMANDS.length));
}

function failed(reasons: readonly string[]): FlashfreezeError {
  return new FlashfreezeError(
    'FF_DECRYPTION_FAILED',
    `${LABEL} cannot be decrypted with the agent's certificate (${reasons.join('; ')}); the agent writes them again with the next goal state.`,
  );
}
