#!/bin/sh
# Runs flashfreeze with the Node.js runtime that lies beside this file.
#   flashfreeze extension install|enable|disable|update|uninstall    what HandlerManifest.json names
#   flashfreeze thaw --all                                           the emergency exit; --help lists the rest

# $0 may be a symbolic link, such as /usr/local/sbin/flashfreeze: the files lie beside what it leads to.
case $0 in
*/*) program=$0 ;;
*) program=./$0 ;;
esac
links=0
while [ -h "$program" ]; do
  links=$((links + 1))
  # Linux follows 40 as well. The dot keeps line breaks at the end of the target.
  if [ "$links" -gt 40 ] || ! target=$(readlink "$program" && echo .); then
    echo "flashfreeze: cannot follow the symbolic link $program, or there are more than 40 in a chain;" >&2
    echo "flashfreeze: run the file that it was made for (FF_ENVIRONMENT_INVALID)" >&2
    exit 2
  fi
  target=${target%??}
  case $target in
  /*) program=$target ;;
  *) program=${program%/*}/$target ;;
  esac
done
# -P: ".." in a link means the folder above the real one. With the caller's CDPATH, cd could change to another folder
# and print its path.
directory=$(CDPATH='' cd -P -- "${program%/*}/" && pwd -P) || exit 2

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

# The same options as in the first line of src/flashfreeze.js, which says why.
exec "$directory/node" --max-semi-space-size=4 --no-opt --no-maglev --liftoff-only "$directory/flashfreeze.js" "$@"
