import { isLoopback } from '../system/hostnames.ts';
import { readTrustedFile } from './trusted-file.ts';

/** The SAS in it is a secret. */
const FORBIDDEN_MODE = 0o077;

export type ManifestContainer =
  /** Secret. */
  { readonly ok: true; readonly url: string } | { readonly ok: false; readonly message: string };

/**
 * Reads the URL of the container for manifests, with its SAS, from the file that `manifestContainerFile` names. The message
 * repeats nothing of the content.
 */
export function readManifestContainer(path: string): ManifestContainer {
  const read = readTrustedFile(path, FORBIDDEN_MODE);
  if (!read.ok) {
    return { ok: false, message: read.message };
  }
  const [line = '', ...others] = read.text.split('\n').flatMap((it) => it.trim() || []);
  const url = URL.parse(line);
  const isUsable =
    url !== null &&
    others.length === 0 &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) &&
    url.username === '' &&
    url.search !== '';
  return isUsable
    ? { ok: true, url: line }
    : {
        ok: false,
        message: `${path}: expected one line, the https URL of a container with a SAS that may create blobs (sp=c), e.g. https://account.blob.core.windows.net/container?sv=…&sig=…`,
      };
}
