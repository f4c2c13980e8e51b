{
  'variables': {
    # Where the static libraries are not installed, the result runs on this machine; it cannot be packaged.
    'static_cxx%': ['<!@(echo "int main(){}" | ${CXX:-g++} -x c++ - -static-libstdc++ -o /dev/null && echo -static-libstdc++ || echo -pthread)'],
    'static_all%': ['<!@(echo "int main(){}" | ${CXX:-g++} -x c++ - -static -o /dev/null && echo -static || echo -pthread)'],
  },
  'target_defaults': {
    # No path of this machine in what is built.
    'cflags': ['-Wall', '-Wextra', '-Werror', '-ffile-prefix-map=<(module_root_dir)=.'],
    'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': ['-std=c++20', '-fexceptions', '-fvisibility=hidden'],
  },
  'targets': [
    {
      'target_name': 'flashfreeze',
      'sources': [
        'native/addon.cc',
        'native/btrfs.cc',
        'native/completions.cc',
        'native/datagram.cc',
        'native/deadline.cc',
        'native/fanotify_lever.cc',
        'native/freeze_calls.cc',
        'native/freezer.cc',
        'native/freezer_threads.cc',
        'native/grace.cc',
        'native/hard_to_kill.cc',
        'native/kernel_clock.cc',
        'native/last_lever_object.cc',
        'native/ledger.cc',
        'native/ledger_file.cc',
        'native/mount_opener.cc',
        'native/mount_opener_call.cc',
        'native/mount_point.cc',
        'native/number_line.cc',
        'native/old_glibc.cc',
        'native/permission_group.cc',
        'native/permission_waiters.cc',
        'native/thread.cc',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=9',
        'NAPI_CPP_EXCEPTIONS',
        # A bell that rings while the environment ends cannot call JavaScript; that is no error.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'ldflags': [
        # The threads may outlive a worker environment, after which Node would unload the addon.
        '-Wl,-z,nodelete',
        # Wherever Node.js runs the addon runs, too: with the C++ library of another distribution, and
        # with the old C library that native/old_glibc.cc tells of.
        '<@(static_cxx)',
        '-Wl,--version-script=<(module_root_dir)/native/exports.map',
        '-Wl,--wrap=arc4random,--wrap=fstat64,--wrap=pthread_attr_setstacksize',
        '-Wl,--wrap=pthread_create,--wrap=pthread_sigmask',
      ],
    },
    {
      'target_name': 'flashfreeze-guardian',
      'type': 'executable',
      'sources': [
        'native/fanotify_lever.cc',
        'native/freeze_calls.cc',
        'native/freezing_thread.cc',
        'native/grace.cc',
        'native/guardian.cc',
        'native/hard_to_kill.cc',
        'native/ledger.cc',
        'native/permission_group.cc',
        'native/permission_waiters.cc',
        'native/thread.cc',
      ],
      # It needs nothing of the distribution, and no library's pages need be locked in memory.
      'ldflags': ['-pthread', '<@(static_all)'],
    },
    {
      'target_name': 'flashfreeze-disk-heads',
      'type': 'executable',
      'sources': ['native/disk_heads.cc'],
      'ldflags': ['-pthread', '<@(static_all)'],
    },
  ],
}
