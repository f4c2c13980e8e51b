import * as assert from 'uvu/assert';
import { describeDiagnosis } from '../../src/freezer/diagnosis.ts';
import { freezePhase, functionsIn, kernelWait } from '../../src/freezer/kernel-stack.ts';
import { suite } from '../suite.ts';

const test = suite('kernel stacks');

const stackOf = (...functions: string[]): string =>
  functions.map((name) => `[<0>] ${name}+0x115/0x510\n`).join('');
const IOCTL = ['__x64_sys_ioctl', 'do_syscall_64', 'entry_SYSCALL_64_after_hwframe'];
const OPEN = ['do_dentry_open', 'vfs_open', 'path_openat', 'do_filp_open', '__x64_sys_openat'];

/** Recorded on Linux 6.18, unless a comment says otherwise. */
const FREEZES: readonly (readonly [string[], ReturnType<typeof freezePhase>])[] = [
  [['freeze_super.part.0', ...IOCTL], 'writers'],
  // Before 6.x the compiler kept these apart.
  [['percpu_down_write', 'freeze_super', 'ioctl_fsfreeze', ...IOCTL], 'writers'],
  [['rcu_sync_enter', 'percpu_down_write', 'freeze_super', ...IOCTL], 'writers'],
  [
    [
      ...['folio_wait_bit', 'folio_wait_writeback', '__filemap_fdatawait_range'],
      ...['filemap_fdatawait_keep_errors', 'sync_inodes_sb', 'sync_filesystem'],
      ...['freeze_super.part.0', ...IOCTL],
    ],
    'write-back',
  ],
  [['jbd2_journal_flush', 'ext4_freeze', 'freeze_super', ...IOCTL], 'file-system'],
  [['xfs_log_quiesce', 'xfs_fs_freeze', 'freeze_super', ...IOCTL], 'file-system'],
  [['rwsem_down_write_slowpath', 'down_write', 'freeze_super', ...IOCTL], 'mount'],
  [['futex_wait_queue', 'futex_wait', 'do_futex', '__x64_sys_futex'], undefined],
  [[], undefined],
];

test('show the phase of a freeze', () => {
  for (const [functions, phase] of FREEZES) {
    assert.is(freezePhase(stackOf(...functions)), phase, functions.join(' '));
  }
});

const WAITS: readonly (readonly [string[], ReturnType<typeof kernelWait>])[] = [
  [['fanotify_handle_event', 'fsnotify', '__fsnotify_parent', ...OPEN], 'permission'],
  [['fanotify_get_response.isra.0', 'fanotify_handle_event', 'fsnotify', ...OPEN], 'permission'],
  [['percpu_rwsem_wait', 'vfs_write', 'ksys_write', 'do_syscall_64'], 'thaw'],
  [['percpu_rwsem_wait', 'mnt_want_write', 'path_openat', 'do_filp_open'], 'thaw'],
  [['percpu_rwsem_wait', 'lo_rw_aio.isra.0', 'loop_process_work', 'kthread'], 'thaw'],
  [['__percpu_down_read', '__sb_start_write', 'vfs_write', 'ksys_write'], 'thaw'], // 5.4
  [['percpu_rwsem_wait', 'cgroup_procs_write_start', 'cgroup_procs_write'], undefined],
  [['percpu_rwsem_wait', 'cpus_read_lock', 'kmem_cache_create'], undefined],
  [['request_wait_answer', '__fuse_simple_request', 'fuse_lookup_name'], 'fuse'],
  [['freeze_super.part.0', ...IOCTL], undefined],
  [['percpu_rwsem_wait'], 'thaw'], // wchan alone
  [['hrtimer_nanosleep', 'common_nsleep'], undefined],
  [['0'], undefined], // wchan of a task that runs
];

test('show what a task waits for', () => {
  for (const [functions, wait] of WAITS) {
    assert.is(kernelWait(stackOf(...functions)), wait, functions.join(' '));
  }
});

test('are read innermost first, and other lines are ignored', () => {
  assert.equal(
    functionsIn('[<0>] a+0x1/0x2\n[<ffffffff81>] b.part.0+0x3/0x4 [ext4]\nnonsense\n\n'),
    ['a', 'b.part.0'],
  );
});

test('a diagnosis names the stuck freezes, their phase and the waiting tasks, daemons first', () => {
  const sentences = describeDiagnosis(
    {
      stuck: [
        { fileSystem: 1, phase: 'writers' },
        { fileSystem: 0, phase: undefined },
      ],
      waiting: [
        { pid: 12, command: 'cp', waitsFor: 'thaw' },
        { pid: 9, command: 'sh', waitsFor: 'permission' },
        { pid: 40, command: 'clamonacc', waitsFor: 'thaw' },
      ],
    },
    ['/a', '/b'],
    new Set([40]),
  );
  assert.equal(sentences, [
    'the freeze of /b is stuck: it waits for a process that is writing or opening a file there',
    'the freeze of /a is stuck',
    'clamonacc (pid 40) waits for a thaw, sh (pid 9) waits for the answer of a permission daemon, cp (pid 12) waits for a thaw',
  ]);
});

test('a diagnosis names a limited number of tasks', () => {
  const waiting = Array.from({ length: 100 }, (_, index) => ({
    pid: index + 2,
    command: 'cp',
    waitsFor: 'thaw' as const,
  }));
  const [sentence = ''] = describeDiagnosis({ stuck: [], waiting }, []);
  assert.match(sentence, /, 92 more wait$/);
});

test.run();
