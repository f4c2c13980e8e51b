import type { Command, Option } from 'commander';
import { SNAPSHOT_CONF_PATH } from '../config/snapshot-conf.ts';
import { retentionOptions, snapshotOptions } from './snapshot-by-file.ts';

const WIDTH = 100;

const HEAD = `# Options of "flashfreeze snapshot --conf ${SNAPSHOT_CONF_PATH}", which the timer runs:
#   flashfreeze setup --timer daily
# flashfreeze setup made this file. It is yours: setup neither replaces nor removes it once it has been changed.
# Only root may write to it; mode 0600 if it holds a URL with a SAS or a command.
# To use a key, remove the # and the blank before it. Values of keys for several: with commas between them.

[Snapshot]
# What to snapshot; one of these two. The file has one URL of a page blob with its SAS per line, and mode 0600.
# blobs-from = /etc/flashfreeze/blobs.txt
# managed = True

# The policy of these snapshots; [Retention] prunes only what has it. For managed disks: tag = policy=daily
# metadata = Policy=daily

# Every other key is a long option of flashfreeze snapshot:
`;

const RETENTION = `
# Without a section [Retention] nothing is pruned. With it, after each good run the restore points of this machine are
# pruned that have the metadata or tags of this run: those of its name and its VM, not of another VM of this name.
# Remove the # before [Retention] too.
# [Retention]
# The file has the URL of the blobs’ container with a SAS that may list, read and delete (sp=rld), and mode 0600. Not
# for managed disks.
# container-from = /etc/flashfreeze/container.txt
# keep-daily = 7
# keep-weekly = 5

# Every other key is a long option of flashfreeze snapshots prune:
`;

/** Named in the text above the other keys of their section. */
const SHOWN = {
  snapshot: ['blobs-from', 'managed', 'metadata', 'tag'],
  retention: ['container-from', 'keep-daily', 'keep-weekly'],
};

/**
 * The file that setup puts to `SNAPSHOT_CONF_PATH`: every key, and none in use.
 *
 * @param snapshot the command
 */
export function snapshotConfExample(snapshot: Command): string {
  return [
    HEAD,
    ...others(snapshotOptions(snapshot), SHOWN.snapshot),
    RETENTION,
    ...others(retentionOptions(), SHOWN.retention),
  ].join('');
}

function others(options: readonly Option[], shown: readonly string[]): string[] {
  return options
    .filter((option) => !shown.includes(option.name()))
    .map(
      (option) =>
        `${commentOf(option.description)}\n# ${option.name()} = ${placeholderOf(option)}\n`,
    );
}

function placeholderOf({ flags, required }: Option): string {
  return required ? (/<.*>/.exec(flags)?.[0] ?? '') : 'True';
}

/** The text as comment lines. */
function commentOf(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > WIDTH - 2) {
      lines.push('');
    }
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.map((line) => `##${line}`).join('\n');
}
