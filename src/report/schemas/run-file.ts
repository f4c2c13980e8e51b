import * as v from 'valibot';
import { described, nullable, number, text } from './described.ts';
import { runSummarySchema } from './run-summary.ts';
import { timelineSchema } from './timeline.ts';

const machine = v.strictObject({
  // Files that older versions left do not have it.
  host: v.optional(
    nullable(v.string(), 'Host name of the machine; null if an older version wrote the file.'),
    null,
  ),
  flashfreeze: text('Version of flashfreeze.'),
  kernel: text('Release of the kernel.'),
  processors: number('Number of processors that flashfreeze could use.'),
});

export const runFileSchema = described(
  v.strictObject({
    format: described(v.literal('flashfreeze-run/1'), 'Name and version of this format.'),
    origin: described(
      v.picklist(['snapshot', 'freeze', 'extension']),
      'Command that the run came from.',
    ),
    writtenAt: text('When the file was written, ISO 8601 in UTC.'),
    taskId: text('Identifier of the run: that of the backup task, or a new UUID.'),
    machine: described(machine, 'The machine and the program.'),
    error: nullable(
      v.strictObject({
        code: text('Error code of flashfreeze, e.g. FF_USAGE.'),
        message: text('What went wrong and what to do, for people.'),
      }),
      'The error that ended the run before anything was frozen, and then there is no summary and no timeline; null if there was none.',
    ),
    summary: nullable(
      runSummarySchema,
      'What `flashfreeze snapshot --json` prints of the run. For a run of `flashfreeze freeze`, the command is the only disk.',
    ),
    timeline: nullable(timelineSchema, 'When each event of the run happened.'),
  }),
  'The file that a run leaves in the log folder, for `flashfreeze report`. Stable, without secrets.',
);
