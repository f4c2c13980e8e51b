#!/bin/sh
# Runs flashfreeze with the Node.js runtime that lies beside this file.
#   flashfreeze extension install|enable|disable|update|uninstall    what HandlerManifest.json names
#   flashfreeze thaw --all                                           the emergency exit; --help lists the rest

case $0 in
*/*) directory=${0%/*} ;;
*) directory=. ;;
esac
# With a CDPATH of the caller's, cd could go elsewhere, and say where.
directory=$(CDPATH='' cd -- "$directory" && pwd -P) || exit 1

# What others set for their own Node.js is not meant for this one.
unset NODE_OPTIONS NODE_PATH
# Compiled code is kept from one start to the next. In memory: before anything else Node.js makes this directory,
# and on a file system that a dead run has left frozen that would wait for ever, the emergency exit too.
export NODE_COMPILE_CACHE=/run/flashfreeze-cache
# One pool of memory for all threads instead of one for each: 12 MB less with 64 disks.
export MALLOC_ARENA_MAX=1

case "$1 $2" in
"extension install" | "extension disable" | "extension uninstall")
  if ! answer=$("$directory/node" --version 2>&1); then
    echo "flashfreeze: its Node.js runtime cannot run here: $answer" >&2
    echo "flashfreeze: it needs glibc 2.28 or later, libstdc++6, the processor it was packaged for," >&2
    echo "flashfreeze: and a file system that is not mounted noexec ($directory)" >&2
    # 51 is the guest agent's code for a distribution that is not supported. What cannot run has left
    # nothing to end or to remove, and a disable that fails would keep the extension from being removed.
    [ "$2" != install ] || exit 51
    exit 0
  fi
  ;;
esac

# Of young objects a window makes less than 4 MB; Node.js would take 16: 7 MB less with 64 disks.
exec "$directory/node" --max-semi-space-size=4 "$directory/flashfreeze.js" "$@"
