import * as v from 'valibot';
import { described, flag, list, nullable, number, text } from './described.ts';
import { diskNames, fileSystemType, mountPoint } from './fields.ts';

/** Start and end, in milliseconds since startedAt. */
export const spanSchema = v.tuple([v.number(), v.number()]);

const freeze = v.strictObject({
  startMs: number('When FIFREEZE was called, in milliseconds since startedAt.'),
  frozenMs: nullable(
    v.number(),
    'When FIFREEZE succeeded, in milliseconds since startedAt; null if it did not.',
  ),
  // Files that older versions left do not have it.
  failedMs: v.optional(
    nullable(
      v.number(),
      'When FIFREEZE was refused, in milliseconds since startedAt; null if it was not.',
    ),
    null,
  ),
  thaw: nullable(
    spanSchema,
    'Start and end of FITHAW, in milliseconds since startedAt; null if it was not called or did not end.',
  ),
  error: nullable(v.string(), 'What went wrong with the freeze or thaw; null if nothing did.'),
});

const fileSystem = v.strictObject({
  mountPoint,
  type: fileSystemType,
  disks: diskNames,
  settle: nullable(
    spanSchema,
    'Start and end of its last syncfs before the last freeze, in milliseconds since startedAt; null if there was none.',
  ),
  freezes: list(
    freeze,
    'One entry for each time the file system was to be frozen; several if an earlier attempt failed.',
  ),
});

const disk = v.strictObject({
  device: nullable(
    v.string(),
    'Path of the disk, e.g. /dev/sdc; null if no disk of this machine could be matched to the blob.',
  ),
  blob: text(
    'URL of the blob without its query. If the host took the snapshot and named no URL: the LUN. If a command ran instead: its program.',
  ),
  request: nullable(
    spanSchema,
    'Start of the first request and its end, in milliseconds since startedAt: the final answer, a refusal too, or the moment at which it was given up; null if no request was sent or its end is not known.',
  ),
  attempts: number('Number of requests that were sent.'),
  consistent: flag('True if the snapshot provably shows the common instant.'),
  error: nullable(v.string(), 'Why the request failed; null if it succeeded.'),
});

export const timelineSchema = v.strictObject({
  startedAt: text('Time 0 of this timeline, ISO 8601 in UTC: the start of the first phase.'),
  endMs: number('End of the last phase, in milliseconds since startedAt.'),
  // Files that older versions left do not have it.
  scheduled: v.optional(
    nullable(
      v.strictObject({
        at: text('When the first FIFREEZE was to start, ISO 8601 in UTC.'),
        lateMs: nullable(
          v.number(),
          'Milliseconds by which the first FIFREEZE started later (negative: earlier); null if there was none.',
        ),
      }),
      'The start that was requested; null if the freeze was to start as soon as possible.',
    ),
    null,
  ),
  phases: list(
    v.strictObject({
      name: text('Name of the phase, e.g. settle.'),
      span: described(spanSchema, 'Start and end, in milliseconds since startedAt.'),
    }),
    'The phases of the run, in the order in which they ended.',
  ),
  barrierMs: nullable(
    v.number(),
    'When every file system was frozen, in milliseconds since startedAt; null if that was never reached.',
  ),
  fileSystems: list(fileSystem, 'File systems that were to be frozen, in the order of freezing.'),
  disks: list(disk, 'Snapshots that were requested, one entry for each disk.'),
});
