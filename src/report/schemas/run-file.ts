import * as v from 'valibot';
import { described, flag, nullable, number, text } from './described.ts';
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
    // Files that older versions left do not have it.
    set: v.optional(
      nullable(
        v.strictObject({
          complete: flag(
            'True if every disk that carries a frozen file system has a snapshot, and every other disk that was asked for.',
          ),
          unprotected: number(
            'Number of disks without a snapshot, also of those that were left out on request.',
          ),
        }),
        'How much of the machine the snapshots protect; null if nothing was frozen, if a command ran instead, or if an older version wrote the file.',
      ),
      null,
    ),
    credential: v.optional(
      nullable(
        v.strictObject({
          kind: described(
            v.picklist(['sas', 'token']),
            'sas: the SAS of the blobs, the one that ends first; token: of the identity of the VM, which Azure renews.',
          ),
          endsAt: text('When it ends, ISO 8601 in UTC.'),
        }),
        'What the snapshots were requested with; null if nothing of this kind was used, it has no end, or an older version wrote the file.',
      ),
      null,
    ),
    timeline: nullable(timelineSchema, 'When each event of the run happened.'),
  }),
  'The file that a run leaves in the log folder, for `flashfreeze report`. Stable, without secrets.',
);
