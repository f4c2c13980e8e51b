import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { requireSecure } from '../snapshot/blob/blob-url.ts';
import { pasteProblem, withoutPasteMarks } from './pasted-url.ts';
import { collect } from './run-options.ts';
import { linesOf } from './snapshot-options.ts';

export interface ContainerOptions {
  readonly container?: string;
  readonly containerFrom?: string;
  readonly metadata?: readonly string[];
  readonly json?: boolean;
}

export function addContainerOptions(command: Command): Command {
  return command
    .option(
      '--container <url>',
      'URL of the container, with a SAS that permits listing (required unless --container-from is given)',
    )
    .option(
      '--container-from <file>',
      'file to read the URL of the container from (- for standard input)',
    )
    .option(
      '--blob <name>',
      'consider only snapshots of the blob with this name in the container (default: of every blob)',
    )
    .option(
      '--task <id>',
      'consider only snapshots that this task took (default: snapshots of every task)',
    )
    .option(
      '--metadata <key=value>',
      'consider only snapshots with this metadata (repeatable; default: with any metadata)',
      collect,
    )
    .option('--json', 'print the snapshots as JSON (default: as text)');
}

export function containerUrlOf({ container, containerFrom }: ContainerOptions): string {
  const given = container === undefined ? {} : { container: [container] };
  const from = containerFrom === undefined ? {} : { containerFrom };
  const [url, ...others] = containerUrlsOf({ ...given, ...from });
  if (url === undefined || others.length > 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      '--container, --container-from: expected the URL of one container; list and prune read one container at a time',
    );
  }
  return url;
}

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
