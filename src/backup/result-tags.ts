import type { TagsToAdd } from '../snapshot/managed/tag-snapshots.ts';
import type { Outcome } from './outcome.ts';
import type { BackupRecord, TargetRecord } from './record.ts';

/** The most characters of a tag's value. */
const MOST_CHARACTERS = 256;
const CUT = '…';

/**
 * The tags that say what the snapshots of a run turned out to be. A useless snapshot that could not be deleted is tagged as
 * one that nothing can be restored from. Pure.
 */
export function resultTags(
  record: BackupRecord,
  { consistency, isRestorable }: Pick<Outcome, 'consistency' | 'isRestorable'>,
): TagsToAdd[] {
  const barrier = record.barrier?.wallClock.toISOString();
  const ofRun = {
    ...(barrier === undefined ? {} : { 'flashfreeze-barrier': barrier }),
    'flashfreeze-consistency': consistency,
    'flashfreeze-restorable': String(isRestorable),
  };
  const kept = record.disks.flatMap((disk): TagsToAdd[] => {
    const { snapshot } = disk.answer;
    const mounts = mountsOf(record, disk);
    const tags = mounts === '' ? ofRun : { ...ofRun, 'flashfreeze-mounts': mounts };
    return snapshot === undefined ? [] : [{ snapshot, tags }];
  });
  const useless = record.orphans
    .filter(({ keptBecause }) => keptBecause !== undefined)
    .map(({ snapshot }): TagsToAdd => ({ snapshot, tags: { 'flashfreeze-restorable': 'false' } }));
  return [...kept, ...useless];
}

function mountsOf({ plan }: BackupRecord, { fileSystems }: TargetRecord): string {
  const mounts = fileSystems
    .flatMap((index) => plan.fileSystems[index]?.mountPoint ?? [])
    .join(',');
  const printable = mounts.replaceAll(/\p{Cc}/gu, '?');
  return printable.length <= MOST_CHARACTERS
    ? printable
    : `${printable.slice(0, MOST_CHARACTERS - CUT.length)}${CUT}`;
}
