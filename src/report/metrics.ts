import { reasonOf } from '../system/errno.ts';
import { writeWhole } from '../system/replace-file.ts';
import type { RunFile } from './run-file.ts';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly { readonly labels?: string; readonly value: number }[];
}

/**
 * The last run as OpenMetrics text, for the textfile collector of node_exporter. A run that ended before
 * anything was frozen has neither window nor counts.
 */
export function renderMetrics(run: RunFile): string {
  return [...metricsOf(run).flatMap(lines), '# EOF', ''].join('\n');
}

function lines({ name, help, samples }: Metric): string[] {
  const full = `flashfreeze_last_run_${name}`;
  return [
    `# TYPE ${full} gauge`,
    `# HELP ${full} ${help}`,
    ...samples.map(
      ({ labels, value }) =>
        `${full}${labels === undefined ? '' : `{${labels}}`} ${Number(value.toFixed(6))}`,
    ),
  ];
}

function metricsOf({ origin, writtenAt, machine, summary }: RunFile): Metric[] {
  const succeeded = summary?.restorable === true;
  const at = Date.parse(writtenAt) / 1_000;
  const general: Metric[] = [
    {
      name: 'info',
      help: 'Command and version of the last run.',
      samples: [{ labels: `origin="${origin}",version="${machine.flashfreeze}"`, value: 1 }],
    },
    {
      name: 'timestamp_seconds',
      help: 'Time at which the last run ended.',
      samples: [{ value: at }],
    },
    {
      name: 'success',
      help: '1 if every snapshot of the last run was taken and the set can be restored.',
      samples: [{ value: succeeded ? 1 : 0 }],
    },
  ];
  return summary === null ? general : [...general, ...figuresOf(summary)];
}

function figuresOf(summary: NonNullable<RunFile['summary']>): Metric[] {
  const { code, windowMs, fileSystems, disks, freezeAttempts, phasesMs } = summary;
  const taken = disks.filter(({ snapshot }) => snapshot !== null).length;
  return [
    { name: 'result_code', help: 'Result code of the last run.', samples: [{ value: code }] },
    {
      name: 'window_seconds',
      help: 'Time that writers were blocked.',
      samples: [
        { labels: 'stat="max"', value: windowMs.max / 1_000 },
        { labels: 'stat="mean"', value: windowMs.mean / 1_000 },
      ],
    },
    {
      name: 'file_systems',
      help: 'Number of file systems to freeze.',
      samples: [{ value: fileSystems.length }],
    },
    { name: 'disks', help: 'Number of disks to snapshot.', samples: [{ value: disks.length }] },
    { name: 'snapshots', help: 'Number of snapshots taken.', samples: [{ value: taken }] },
    {
      name: 'freeze_attempts',
      help: 'Number of attempts to freeze all file systems.',
      samples: [{ value: freezeAttempts }],
    },
    {
      name: 'phase_seconds',
      help: 'Duration of each phase.',
      samples: Object.entries(phasesMs).map(([phase, ms]) => ({
        labels: `phase="${phase}"`,
        value: ms / 1_000,
      })),
    },
  ];
}

/**
 * Writes the whole file or nothing, because the collector may read at any time. Must not be called while anything is
 * frozen.
 *
 * @param path undefined: nothing is written
 * @returns why the file could not be written; undefined if it was written, or if there is no path
 */
export async function tellMetrics(
  run: RunFile,
  path: string | undefined,
): Promise<string | undefined> {
  if (path === undefined) {
    return undefined;
  }
  try {
    // The collector reads only *.prom, not the temporary file.
    await writeWhole(path, renderMetrics(run), { mode: 0o644 });
    return undefined;
  } catch (error) {
    const reason = reasonOf(error);
    return `cannot write the metrics to ${path} (${reason}): make its folder, or correct metricsFile in /etc/azure/vmbackup.conf`;
  }
}
