#!/bin/sh
# operate.sh begin|show|end <machine>: what goes on in a machine while its snapshot is taken.
# begin returns when it is under way; show prints "running" or "ended", and what is known of it.
set -eu
export LVM_SUPPRESS_FD_WARNINGS=1
here=/repo/bench/machines/guest
. "$here/functions.sh"
. "$here/storage/$2.sh"
case $1 in
  begin)
    # What goes on keeps no descriptor of whoever waits for this script.
    exec >/run/begin.log 2>&1
    begin_operation
    # Some start in the background.
    looks=0
    until show_operation | grep -q '^running' || [ "$looks" -ge 100 ]; do
      looks=$((looks + 1))
      sleep 0.1
    done
    ;;
  show) show_operation ;;
  end) end_operation ;;
esac
