import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

let shared: Promise<string> | undefined;

/** A new RSA key, in PEM. */
export async function newKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The key of all of this process's machines that never meet: finding one takes up to half a second of processor time. */
export function sharedKey(): Promise<string> {
  shared ??= newKey();
  return shared;
}
