#!/bin/sh
# Runs flashfreeze with the Node.js runtime that lies beside this file.
#   flashfreeze extension install|enable|disable|update|uninstall    what HandlerManifest.json names
#   flashfreeze thaw --all                                           the emergency exit; --help lists the rest

case $0 in
*/*) directory=${0%/*} ;;
*) directory=. ;;
esac
# With the caller's CDPATH, cd could change to another folder and print its path.
directory=$(CDPATH='' cd -- "$directory" && pwd -P) || exit 1

# Settings for another Node.js must not affect this one.
unset NODE_OPTIONS NODE_PATH
# Compiled code is kept for the next start, in memory: Node.js makes this directory before anything else. On a file
# system that a dead run has left frozen that would block until a thaw, and "thaw --all" would block too.
export NODE_COMPILE_CACHE=/run/flashfreeze-cache
# One pool of memory for all threads instead of one for each: 12 MB less with 64 disks.
export MALLOC_ARENA_MAX=1

case "$1 $2" in
"extension install" | "extension disable" | "extension uninstall")
  if ! answer=$("$directory/node" --version 2>&1); then
    echo "flashfreeze: its Node.js runtime cannot run here: $answer" >&2
    echo "flashfreeze: it needs glibc 2.28 or later, libstdc++6, the processor it was packaged for," >&2
    echo "flashfreeze: and a file system that is not mounted noexec ($directory)" >&2
    echo "flashfreeze: RHEL, CentOS and Oracle Linux 7, SLES 12, Ubuntu 18.04, Debian 9 and older have an older glibc:" >&2
    echo "flashfreeze: leave the extension on them that flashfreeze would replace" >&2
    # 51 is the guest agent's code for a distribution that is not supported. A program that cannot run has left
    # nothing to end or to remove, and a disable that fails would prevent the removal of the extension.
    [ "$2" != install ] || exit 51
    exit 0
  fi
  ;;
esac

# A window makes less than 4 MB of young objects; the default of Node.js is 16 MB: 7 MB less with 64 disks.
exec "$directory/node" --max-semi-space-size=4 "$directory/flashfreeze.js" "$@"
