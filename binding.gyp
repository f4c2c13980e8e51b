{
  'target_defaults': {
    'cflags': ['-Wall', '-Wextra', '-Werror'],
    'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': ['-std=c++20', '-fexceptions', '-fvisibility=hidden'],
  },
  'targets': [
    {
      'target_name': 'flashfreeze',
      'sources': [
        'native/addon.cc',
        'native/clock.cc',
        'native/completions.cc',
        'native/deadline.cc',
        'native/exit_hook.cc',
        'native/fanotify_lever.cc',
        'native/freeze_calls.cc',
        'native/freezer.cc',
        'native/freezer_threads.cc',
        'native/grace.cc',
        'native/last_lever_object.cc',
        'native/ledger.cc',
        'native/lock.cc',
        'native/permission_group.cc',
        'native/permission_waiters.cc',
        'native/safe_directory.cc',
        'native/thread.cc',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': [
        'NAPI_VERSION=9',
        'NAPI_CPP_EXCEPTIONS',
        # A bell that rings while the environment ends cannot call JavaScript; that is no error.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      # The threads may outlive a worker environment, after which Node would unload the addon.
      'ldflags': ['-Wl,-z,nodelete'],
    },
    {
      'target_name': 'flashfreeze-guardian',
      'type': 'executable',
      'sources': [
        'native/fanotify_lever.cc',
        'native/freeze_calls.cc',
        'native/grace.cc',
        'native/guardian.cc',
        'native/ledger.cc',
        'native/lever_arguments.cc',
        'native/permission_group.cc',
        'native/permission_waiters.cc',
        'native/thread.cc',
      ],
      'ldflags': ['-pthread'],
    },
  ],
}
