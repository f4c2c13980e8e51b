import { join } from 'node:path';

/**
 * Paths of the program's parts that are opened by path. In a checkout this module is `src/program-files.ts`; in the
 * deployed payload it is part of the bundle, and the other parts lie beside the bundle.
 */
const here = import.meta.dirname;
const isBundled = !import.meta.filename.endsWith('.ts');
const native = isBundled ? here : join(here, '../build/Release');

export const ADDON_PATH = join(native, 'flashfreeze.node');
export const GUARDIAN_PATH = join(native, 'flashfreeze-guardian');
/** Reads the first bytes of disks. */
export const DISK_HEADS_PATH = join(native, 'flashfreeze-disk-heads');
/** The module that a thread of the lane pool runs. */
export const LANE_PATH = isBundled ? join(here, 'worker.js') : join(here, 'snapshot/blob/lane.ts');
/** Undefined in the deployed payload, which does not contain the lab. */
export const LAB_DIRECTORY = isBundled ? undefined : join(here, 'lab');
