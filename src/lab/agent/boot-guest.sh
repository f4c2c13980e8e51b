#!/bin/sh
# The guest's first process: makes the mounted root file system the whole world of a fresh mount and
# pid namespace, and then only reaps.
#   boot-guest.sh <root> [<mounted disk> <mount point in the guest>]...
# Descriptor 3 gets the first process's pid, as the lab numbers it, when the guest is up.
set -eu
root=$1
shift
# The lab's /proc is still the one that is mounted: it knows this process by the lab's number.
read -r init _ </proc/self/stat
while [ $# -gt 0 ]; do
  mkdir -p "$root$2"
  mount --move "$1" "$root$2"
  shift 2
done
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev 2>/dev/null || mount --bind /dev dev
mount --bind /dev/pts dev/pts
mount -t tmpfs shm dev/shm
mount -t tmpfs -o mode=755 run run
pivot_root . mnt/machine
cd /
umount -l /mnt/machine
# Whoever ignores SIGCHLD has orphans reaped by the kernel.
exec sh -c 'trap "" CHLD; echo "$0" >&3; exec 3>&- sleep infinity' "$init" </dev/null >/dev/null 2>&1
