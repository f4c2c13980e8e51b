import type { BackupRecord } from './record.ts';

/** Whether the run ended before everything was frozen, for any reason but a signal. */
export function hasFailedToFreeze({ barrier, end }: BackupRecord): boolean {
  return barrier === undefined && end.kind !== 'signal';
}
