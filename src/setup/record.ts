import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { FlashfreezeError } from '../errors.ts';
import { errnoOf } from '../system/errno.ts';
import { writeWhole } from '../system/replace-file.ts';
import { type Places, recordPath } from './places.ts';

/** What setup has made outside the prefix; removal removes this and nothing else. */
export interface SetupRecord {
  readonly files: readonly string[];
  /** Folders that were made for these files; they go if they are empty. */
  readonly folders?: readonly string[] | undefined;
  /** Undefined if setup has made none. */
  readonly timer?: SetupTimer | undefined;
  /** Checksum of the configuration that setup has made. */
  readonly example?: string | undefined;
}

/** A schedule, and what keeps it. */
export interface SetupTimer {
  readonly schedule: string;
  readonly by: 'systemd' | 'cron';
}

const SCHEMA = v.object({
  files: v.array(v.string()),
  folders: v.optional(v.array(v.string())),
  timer: v.optional(v.object({ schedule: v.string(), by: v.picklist(['systemd', 'cron']) })),
  example: v.optional(v.string()),
});

/** @throws FlashfreezeError FF_SETUP_FAILED if it cannot be read as a record */
export async function readRecord(places: Places): Promise<SetupRecord | undefined> {
  const path = recordPath(places);
  try {
    return v.parse(SCHEMA, JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return undefined;
    }
    if (errnoOf(error) !== undefined) {
      throw error;
    }
    throw new FlashfreezeError(
      'FF_SETUP_FAILED',
      `${path} cannot be read as the record of flashfreeze setup; remove the file, and what setup made by hand`,
    );
  }
}

export async function writeRecord(places: Places, record: SetupRecord): Promise<void> {
  await writeWhole(recordPath(places), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o644 });
}
