#!/bin/sh
# First process of the lab's pid namespace: when it ends, the kernel kills everything else in it.
#   init.sh <named pipe> <command> [<argument>...]
# The pipe gets one line, "<pid of this> <pid of the command>", as the machine numbers them, and is
# held open until this process ends.
#
# It stays between the namespace and the command because signals without a handler do not reach a
# namespace's first process, and because somebody has to reap orphans.
directory=$PWD
exec 3>"$1"
shift
# A working directory in the machine's /proc goes on showing it when the lab's own is mounted above.
cd /proc && mount -t proc proc /proc || exit 125
read -r init _ <self/stat
sh -c '
  read -r command _ <self/stat
  echo "$0 $command" >&3
  exec 3>&-
  cd "$1" && shift && exec "$@"
' "$init" "$directory" "$@"
exit $?
