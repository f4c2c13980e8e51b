import { FlashfreezeError } from '../errors.ts';
import { requireSecure } from '../snapshot/blob/blob-url.ts';
import { pasteProblem, withoutPasteMarks } from './pasted-url.ts';
import { linesOf } from './snapshot-options.ts';

export interface ContainersOptions {
  readonly container?: readonly string[];
  readonly containerFrom?: string;
}

/** The URLs of the containers; at least one. */
export function containerUrlsOf(options: ContainersOptions): string[] {
  const { container = [], containerFrom } = options;
  const urls = [
    ...container,
    ...(containerFrom === undefined ? [] : linesOf(containerFrom, '--container-from')),
  ].map(withoutPasteMarks);
  if (urls.length === 0 || !urls.every((url) => URL.canParse(url))) {
    throw new FlashfreezeError(
      'FF_USAGE',
      "--container: expected the URL of a container with a SAS that permits listing, e.g. --container 'https://acct.blob.core.windows.net/vhds?sv=…&sig=…', or --container-from <file>",
    );
  }
  for (const [index, url] of urls.entries()) {
    const problem = pasteProblem(url);
    if (problem !== undefined) {
      throw new FlashfreezeError(
        'FF_URL_INVALID',
        `container URL ${index + 1} of ${urls.length} ${problem}`,
      );
    }
    requireSecure(new URL(url), '--container');
  }
  return urls;
}
