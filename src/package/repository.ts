import { join } from 'node:path';

/** The checkout that is packaged. */
export const REPOSITORY = join(import.meta.dirname, '../..');
/** For what packaging makes on the way; `build` is nothing that is kept. */
export const WORK = join(REPOSITORY, 'build/package');
