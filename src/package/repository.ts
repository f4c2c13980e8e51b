import { join } from 'node:path';

/** The checkout that is packaged. */
export const REPOSITORY = join(import.meta.dirname, '../..');
/** For intermediate files of packaging; `build` can be deleted at any time. */
export const WORK = join(REPOSITORY, 'build/package');
