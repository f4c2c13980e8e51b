import { ok, warning } from './check.ts';
import type { Check, MachineFacts, PlaceFacts } from './doctor-types.ts';

/** What a run writes is smaller, with all its notes and a timeline of many disks. */
const ENOUGH_BYTES = 16 * 2 ** 20;
const ENOUGH_INODES = 200;

/** Whether the folders that flashfreeze writes to have room for what it writes. Pure. */
export function checkPlaces({
  logFolder,
  places,
  metricsFile,
}: Pick<MachineFacts, 'logFolder' | 'places' | 'metricsFile'>): Check[] {
  return [
    checkLogFolder(logFolder),
    ...places.flatMap(checkRoom),
    ...(metricsFile === undefined ? [] : [checkMetricsFile(metricsFile)]),
  ];
}

function checkLogFolder({ path, isFrozen, problem }: MachineFacts['logFolder']): Check {
  if (problem !== undefined) {
    return warning(
      'log-folder',
      `${path}: ${problem}; runs leave no report`,
      'make the folder writable',
    );
  }
  return ok(
    'log-folder',
    isFrozen
      ? `${path} is on a file system that is frozen: log lines are held in memory until the thaw`
      : `${path} is not on a file system that is frozen`,
  );
}

function checkRoom({ path, freeBytes, freeInodes }: PlaceFacts): Check[] {
  const megabytes = `${Math.floor(freeBytes / 2 ** 20)} MB are free`;
  const free = freeInodes === undefined ? megabytes : `${megabytes}, and ${freeInodes} inodes`;
  const finding = `${path}: ${free}`;
  if (freeBytes < ENOUGH_BYTES) {
    return [warning('room', `${finding}; a run may lose its report`, 'free some space there')];
  }
  return freeInodes !== undefined && freeInodes < ENOUGH_INODES
    ? [
        warning(
          'room',
          `${finding}; a run may lose its report`,
          'remove files there: each file, however small, takes an inode',
        ),
      ]
    : [ok('room', finding)];
}

function checkMetricsFile({ path, problem }: NonNullable<MachineFacts['metricsFile']>): Check {
  return problem === undefined
    ? ok('metrics-file', `${path} can be written`)
    : warning(
        'metrics-file',
        `${path} cannot be written (${problem}): monitoring will miss every run`,
        'make its folder writable, or correct metricsFile in /etc/azure/vmbackup.conf',
      );
}
