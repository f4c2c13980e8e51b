import type { Command } from 'commander';
import { FlashfreezeError } from '../errors.ts';
import { requireSecure } from '../snapshot/blob/blob-url.ts';
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
    .option('--container <url>', 'URL of the container, with a SAS that may list')
    .option('--container-from <file>', 'read the container’s URL from a file (- for stdin)')
    .option('--blob <name>', 'only of this blob, as it is named in the container')
    .option('--task <id>', 'only of this task')
    .option('--metadata <key=value>', 'only with this metadata (repeatable)', collect)
    .option('--json', 'print as JSON');
}

export function containerUrlOf({ container, containerFrom }: ContainerOptions): string {
  const given = container === undefined ? {} : { container: [container] };
  const from = containerFrom === undefined ? {} : { containerFrom };
  const [url, ...others] = containerUrlsOf({ ...given, ...from });
  if (url === undefined || others.length > 0) {
    throw new FlashfreezeError(
      'FF_USAGE',
      '--container, --container-from: expected the URL of one container; list and prune look at one at a time',
    );
  }
  return url;
}

export interface ContainersOptions {
  readonly container?: readonly string[];
  readonly containerFrom?: string;
}

/** At least one. */
export function containerUrlsOf(options: ContainersOptions): string[] {
  const { container = [], containerFrom } = options;
  const urls = [
    ...container,
    ...(containerFrom === undefined ? [] : linesOf(containerFrom, '--container-from')),
  ];
  if (urls.length === 0 || !urls.every((url) => URL.canParse(url))) {
    throw new FlashfreezeError(
      'FF_USAGE',
      "--container: expected the URL of a container with a SAS that may list, e.g. --container 'https://acct.blob.core.windows.net/vhds?sv=…&sig=…', or --container-from <file>",
    );
  }
  for (const url of urls) {
    requireSecure(new URL(url), '--container');
  }
  return urls;
}
