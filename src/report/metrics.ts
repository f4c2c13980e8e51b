import { type Family, parseSamples, renderSamples, type Sample } from './metric-text.ts';
import type { RunFile } from './run-file.ts';
import { isFuture } from './run-times.ts';

/** Where a run came from, as metrics name it. */
type Origin = 'extension' | 'command' | 'freeze';

const ORIGINS: Readonly<Record<RunFile['origin'], Origin>> = {
  extension: 'extension',
  snapshot: 'command',
  freeze: 'freeze',
};

const LAST_SUCCESS = 'flashfreeze_last_success_timestamp_seconds';

/** Every metric, in the order of the file. All have the labels host and origin. */
const HELP: Readonly<Record<string, string>> = {
  [LAST_SUCCESS]: 'Time at which the last successful run ended.',
  flashfreeze_last_run_timestamp_seconds:
    'Time at which the last run ended, whether it succeeded or not.',
  flashfreeze_last_run_success:
    '1 if every snapshot of the last run was taken and the set can be restored.',
  flashfreeze_last_run_set_complete:
    '1 if there is a snapshot of every disk that carries a frozen file system.',
  flashfreeze_last_run_disks_unprotected: 'Number of disks of which no snapshot was taken.',
  flashfreeze_credential_end_timestamp_seconds:
    'End of the SAS or of the token that the last run used.',
  flashfreeze_last_run_info: 'Version of the last run, and what its snapshots are worth.',
  flashfreeze_last_run_result_code: 'Result code of the last run.',
  flashfreeze_last_run_window_seconds: 'Time that writers were blocked.',
  flashfreeze_last_run_file_systems: 'Number of file systems to freeze.',
  flashfreeze_last_run_disks: 'Number of disks to snapshot.',
  flashfreeze_last_run_snapshots: 'Number of snapshots taken.',
  flashfreeze_last_run_freeze_attempts: 'Number of attempts to freeze all file systems.',
  flashfreeze_last_run_phase_seconds: 'Duration of each phase.',
};

const FAMILIES: readonly Family[] = Object.entries(HELP).map(([name, help]) => ({ name, help }));

/**
 * The metrics after a run: its own series, and those of the other origins as they are in the text. If the run failed,
 * the time of the last success stays, unless it is in the future: it would count as young for as long as the clock was ahead.
 * Pure.
 *
 * @param before the text that an earlier run left; empty if there is none. Lines of older versions, which had no
 * label `host`, are left out
 */
export function metricsAfter(before: string, run: RunFile): string {
  const origin = ORIGINS[run.origin];
  const known = parseSamples(before).filter(({ name, labels }) => name in HELP && 'host' in labels);
  const others = known.filter(({ labels }) => labels.origin !== origin);
  const success = known.find(
    ({ name, labels }) => name === LAST_SUCCESS && labels.origin === origin,
  );
  const isUsable =
    success !== undefined && !isFuture(new Date(success.value * 1_000), new Date(run.writtenAt));
  return renderSamples(FAMILIES, [
    ...others,
    ...samplesOf(run, isUsable ? success.value : undefined),
  ]);
}

/** @param formerSuccess when an earlier run of the origin succeeded; undefined if none is known */
function samplesOf(run: RunFile, formerSuccess: number | undefined): Sample[] {
  const common = { host: run.machine.host ?? '', origin: ORIGINS[run.origin] };
  const sample = (name: string, value: number, more: Sample['labels'] = {}): Sample => ({
    name: `flashfreeze_${name}`,
    labels: { ...common, ...more },
    value,
  });
  const at = seconds(run.writtenAt);
  const isSuccess = run.summary?.restorable === true;
  const success = isSuccess ? at : formerSuccess;
  return [
    ...(success === undefined ? [] : [sample('last_success_timestamp_seconds', success)]),
    sample('last_run_timestamp_seconds', at),
    sample('last_run_success', isSuccess ? 1 : 0),
    ...setSamples(run, sample),
    ...(run.credential === null
      ? []
      : [
          sample('credential_end_timestamp_seconds', seconds(run.credential.endsAt), {
            kind: run.credential.kind,
          }),
        ]),
    sample('last_run_info', 1, {
      version: run.machine.flashfreeze,
      consistency: run.summary?.consistency ?? 'none',
    }),
    ...(run.summary === null ? [] : figuresOf(run.summary, sample)),
  ];
}

type MakeSample = (name: string, value: number, more?: Sample['labels']) => Sample;

/** A command in the window has no set. A run that ended before the freeze has none either, and took no snapshot. */
function setSamples({ origin, set }: RunFile, sample: MakeSample): Sample[] {
  if (origin === 'freeze') {
    return [];
  }
  return [
    sample('last_run_set_complete', set?.complete === true ? 1 : 0),
    ...(set === null ? [] : [sample('last_run_disks_unprotected', set.unprotected)]),
  ];
}

/** A run that ended before anything was frozen has neither window nor counts. */
function figuresOf(summary: NonNullable<RunFile['summary']>, sample: MakeSample): Sample[] {
  const { code, windowMs, fileSystems, disks, freezeAttempts, phasesMs } = summary;
  const taken = disks.filter(({ snapshot }) => snapshot !== null).length;
  return [
    sample('last_run_result_code', code),
    sample('last_run_window_seconds', windowMs.max / 1_000, { stat: 'max' }),
    sample('last_run_window_seconds', windowMs.mean / 1_000, { stat: 'mean' }),
    sample('last_run_file_systems', fileSystems.length),
    sample('last_run_disks', disks.length),
    sample('last_run_snapshots', taken),
    sample('last_run_freeze_attempts', freezeAttempts),
    ...Object.entries(phasesMs).map(([phase, ms]) =>
      sample('last_run_phase_seconds', ms / 1_000, { phase }),
    ),
  ];
}

function seconds(time: string): number {
  return Date.parse(time) / 1_000;
}
