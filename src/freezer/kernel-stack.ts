/**
 * The step of FIFREEZE that a thread is in, in the order of the steps:
 * - `mount`: it waits for the superblock, which a mount, an unmount or another freeze holds;
 * - `writers`: no new write begins, and it waits for the writes that have begun;
 * - `write-back`: it writes dirty data to the disk;
 * - `file-system`: the file system empties its journal and marks itself clean.
 */
export type FreezePhase = 'mount' | 'writers' | 'write-back' | 'file-system';

/**
 * What a task that is not freezing waits for: a permission daemon's answer, a FUSE daemon's answer, or the
 * thaw of a file system that it wants to write to.
 */
export type KernelWait = 'permission' | 'fuse' | 'thaw';

const FREEZE = /^freeze_super/;
const PHASES: readonly (readonly [FreezePhase, RegExp])[] = [
  ['file-system', /^(ext4|xfs_fs|btrfs|f2fs|gfs2|nilfs|reiserfs|jfs)_freeze|^xfs_log_quiesce/],
  ['write-back', /^(sync_filesystem|__sync_filesystem|sync_inodes_sb|__?sync_blockdev)/],
  ['mount', /^(rwsem_down_|down_write|__down_write|super_lock|grab_super|thaw_super)/],
];

const PERMISSION = /^fanotify_(handle_event|get_response)/;
const FUSE = /^(request_wait_answer|__fuse_(simple_)?request|fuse_simple_request)/;
const SHARED_LOCK = /^(percpu_rwsem_wait|__percpu_down_read|percpu_down_read|__sb_start_write)/;
/** The kernel also uses locks of this kind for purposes other than freezing. */
const OTHER_SHARED_LOCK = /^(cgroup|cpus_read_lock|copy_process|exit_signals|blk_|static_key)/;

/** Names of the functions in `/proc/<pid>/stack`, innermost first: `[<0>] vfs_write+0x3f0/0x450`. */
export function functionsIn(stack: string): string[] {
  return stack
    .split('\n')
    .map((line) => /^\[<[^>]*>\]\s+([^\s+]+)/.exec(line)?.[1])
    .filter((name) => name !== undefined);
}

/** Undefined if the thread is not in FIFREEZE. */
export function freezePhase(stack: string): FreezePhase | undefined {
  const functions = functionsIn(stack);
  const freeze = functions.findIndex((name) => FREEZE.test(name));
  if (freeze === -1) {
    return undefined;
  }
  const called = functions.slice(0, freeze);
  const found = PHASES.find(([, pattern]) => called.some((name) => pattern.test(name)));
  return found?.[0] ?? 'writers';
}

/**
 * Undefined if the task waits for something else, or not at all. `/proc/<pid>/wchan` can be given as a
 * stack of one function.
 */
export function kernelWait(stack: string): KernelWait | undefined {
  const functions = functionsIn(stack);
  const has = (pattern: RegExp): boolean => functions.some((name) => pattern.test(name));
  if (has(FREEZE)) {
    return undefined;
  }
  if (has(PERMISSION)) {
    return 'permission';
  }
  if (has(FUSE)) {
    return 'fuse';
  }
  return has(SHARED_LOCK) && !has(OTHER_SHARED_LOCK) ? 'thaw' : undefined;
}
