import { errnoName, RECORD_FIELDS } from '../system/native.ts';
import type { FreezerEvent } from './freezer-types.ts';

/** Space for all events that can wait at once: synced, frozen, thawed for each file system, expired, guardian lost. */
export function recordsFor(fileSystems: number): BigInt64Array {
  return new BigInt64Array((3 * fileSystems + 2) * RECORD_FIELDS);
}

/** Converts the first `count` records that the addon drained. */
export function toEvents(records: BigInt64Array, count: number): FreezerEvent[] {
  return Array.from({ length: count }, (_, position) => toEvent(records, position * RECORD_FIELDS));
}

/** The kind's numbers are those of `EventKind` in native/completions.h. */
function toEvent(records: BigInt64Array, at: number): FreezerEvent {
  const field = (offset: number): bigint => records[at + offset] ?? 0n;
  const fileSystem = Number(field(1));
  const errno = Number(field(2));
  const stamps = { startNs: field(4), endNs: field(5) };
  switch (Number(field(0))) {
    case 0:
      return { kind: 'frozen', fileSystem, ...stamps };
    case 1:
      return { kind: 'freeze-failed', fileSystem, errno: errnoName(errno), ...stamps };
    case 2:
      return { kind: 'thawed', fileSystem, wasFrozen: field(3) === 1n, ...stamps };
    case 3:
      return { kind: 'thaw-failed', fileSystem, errno: errnoName(errno), ...stamps };
    case 4: {
      const failure = errno === 0 ? undefined : errnoName(errno);
      return { kind: 'synced', fileSystem, errno: failure, ...stamps };
    }
    case 5:
      return { kind: 'expired', atNs: stamps.endNs };
    default:
      return { kind: 'guardian-lost', atNs: stamps.endNs };
  }
}
