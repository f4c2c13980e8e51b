import * as v from 'valibot';
import type { Consistency } from '../../result-codes.ts';
import { described, flag, list, nullable, number, text } from './described.ts';
import { diskNames, fileSystemType, mountPoint, resultCode, warnings } from './fields.ts';

/** Fields that the summaries of `snapshot` and `freeze` share. */
export const windowMs = described(
  v.strictObject({
    max: number('Longest window of a file system, in milliseconds; 0 if none was frozen.'),
    mean: number('Mean of all windows, in milliseconds; 0 if no file system was frozen.'),
  }),
  'How long writers were stopped: a window lasts from the start of FIFREEZE to the end of FITHAW of one file system. The windows of attempts that failed count too.',
);

export const fileSystems = list(
  v.strictObject({
    mountPoint,
    type: fileSystemType,
    disks: diskNames,
    freezeMs: nullable(
      v.number(),
      'Milliseconds from the call of FIFREEZE to its success; null if it did not succeed.',
    ),
    windowMs: nullable(
      v.number(),
      'Milliseconds from the start of FIFREEZE to the end of FITHAW; null if the file system was not frozen or not seen thawed.',
    ),
  }),
  'File systems that were to be frozen, in the order of freezing; the times are those of the last attempt.',
);

export const freezeAttempts = number(
  'Attempts to freeze all file systems; above 1 if one took too long and everything was thawed before the next one.',
);

export const application = nullable(
  v.strictObject({
    name: text('`scripts` for pre-scripts and post-scripts, else the name of the workload.'),
    heldMs: nullable(
      v.number(),
      'Milliseconds from the first lock or pre-script to the end of the last unlock or post-script; null if nothing was held.',
    ),
    findings: list(
      v.strictObject({
        code: resultCode('Result code that this finding gives.'),
        message: text('What went wrong, for people.'),
      }),
      'What went wrong with the application; empty if nothing did.',
    ),
  }),
  'The application that was quiesced; null if none was to be quiesced.',
);

export const phasesMs = described(
  v.record(v.string(), v.number()),
  'Milliseconds that each phase of the run took, by the name of the phase; a phase that ran twice has the sum.',
);

/** Files that older versions left do not have it. */
const threads = v.optional(
  list(
    v.strictObject({
      role: described(
        v.picklist(['main', 'requests', 'freezer', 'runtime']),
        'What these threads do: main decides; requests sends the requests; freezer calls FIFREEZE and FITHAW; runtime are helpers of Node.js: its garbage collector, its compiler, its pool.',
      ),
      runMs: number('Milliseconds that they ran on a processor.'),
      waitMs: number('Milliseconds that they were ready to run and waited for a processor.'),
      pageFaults: number('Page faults that they had.'),
    }),
    'What the threads of flashfreeze cost in the last window; empty if the kernel does not count it. With a scheduled start, main includes up to 4 ms of waiting for it.',
  ),
  [],
);

export const clockState = nullable(
  v.strictObject({
    synchronized: flag('True if the clock of the machine follows true time.'),
    source: described(
      v.picklist(['chrony', 'kernel']),
      'Who says so: chrony, or the estimate that the kernel keeps for every program that disciplines the clock.',
    ),
    aheadMs: nullable(
      v.number(),
      'Milliseconds that the clock was ahead of true time (negative: behind); null if the source does not say it.',
    ),
    maxErrorMs: nullable(
      v.number(),
      'Milliseconds that the clock differed from true time at most, as the source estimates it; null if it is not synchronized.',
    ),
  }),
  'State of the clock of the machine before the freeze, by which instants of several machines can be compared; null if nothing says it.',
);

// Files that older versions left do not have it.
export const clock = v.optional(clockState, null);

export const problems = list(
  v.string(),
  'Sentences for people, one for each thing that went wrong; empty if nothing did.',
);

export const CONSISTENCIES = [
  'none',
  'crashConsistent',
  'fileSystemConsistent',
  'applicationConsistent',
] as const satisfies readonly Consistency[];

const diskSummary = v.strictObject({
  device: nullable(
    v.string(),
    'Path of the disk, e.g. /dev/sdc; null if no disk of this machine could be matched to the blob.',
  ),
  blob: text(
    'URL of the blob without its query. If the host took the snapshot and named no URL: the LUN. If a command ran instead: its program.',
  ),
  snapshot: nullable(
    v.string(),
    'Time that identifies the snapshot (x-ms-snapshot); null if there is no snapshot.',
  ),
  httpStatus: nullable(v.number(), 'HTTP status of the final answer; null if there was none.'),
  requestId: nullable(
    v.string(),
    'x-ms-request-id of the final answer, by which the service finds the request; null if there was none.',
  ),
  attempts: number('Number of requests that were sent.'),
  latencyMs: nullable(
    v.number(),
    'Milliseconds from the start of the first request to its end: the final answer, a refusal too, or the moment at which it was given up; null if no request was sent or its end is not known.',
  ),
  showsInstant: flag(
    'True if the snapshot provably shows the instant that the snapshots of the other disks show.',
  ),
  writes: described(
    v.picklist(['unchanged', 'changed', 'unknown']),
    'Whether anything wrote to the disk while its snapshot was taken, by the kernel’s write counters; unknown if they were not read or do not exist.',
  ),
  error: nullable(v.string(), 'Why the request failed; null if it succeeded.'),
});

const orphanSummary = v.strictObject({
  blob: text('URL of the blob without its query.'),
  snapshot: text('Time that identifies the snapshot (x-ms-snapshot).'),
  deleted: flag('True if the snapshot was deleted.'),
  error: nullable(v.string(), 'Why the snapshot was not deleted; null if it was.'),
});

export const runSummarySchema = described(
  v.strictObject({
    consistency: described(
      v.picklist(CONSISTENCIES),
      'What the snapshots are worth together. none: do not rely on them. crashConsistent: as after a power failure. fileSystemConsistent: every snapshot shows one instant at which the file systems were frozen. applicationConsistent: the application was quiesced as well.',
    ),
    code: resultCode('Result code as agents and the backup service read it.'),
    name: text('Name of the result code, e.g. success for 1.'),
    restorable: flag(
      'True if every snapshot that was requested exists and shows the instant, and no disk is missing from the set. If there was nothing to freeze: if every snapshot exists. The exit code is then 0, unless a signal ended the run.',
    ),
    barrier: nullable(
      v.string(),
      'Instant that every snapshot shows, ISO 8601 in UTC: every file system was frozen from then on. Null if that was never reached.',
    ),
    windowMs,
    fileSystems,
    disks: list(diskSummary, 'Snapshots that were requested, one entry for each disk.'),
    freezeAttempts,
    orphans: list(
      orphanSummary,
      'Snapshots that were taken before the run failed, and that are of no use.',
    ),
    application,
    clock,
    phasesMs,
    threads,
    problems,
    warnings,
  }),
  'What `flashfreeze snapshot --json` prints. Stable, without secrets.',
);
