import { join } from 'node:path';

/**
 * Where the parts of the program lie that are opened by their path. In a checkout this module is
 * `src/program-files.ts`; in what is deployed it is part of the bundle, and the rest lies beside that.
 */
const here = import.meta.dirname;
const isBundled = !import.meta.filename.endsWith('.ts');
const native = isBundled ? here : join(here, '../build/Release');

export const ADDON_PATH = join(native, 'flashfreeze.node');
export const GUARDIAN_PATH = join(native, 'flashfreeze-guardian');
/** The module that a thread of the lane pool runs. */
export const LANE_PATH = isBundled ? join(here, 'worker.js') : join(here, 'snapshot/blob/lane.ts');
/** Undefined in what is deployed: that goes without the lab. */
export const LAB_DIRECTORY = isBundled ? undefined : join(here, 'lab');
