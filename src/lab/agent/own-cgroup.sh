#!/bin/sh
# Runs a command in a new control group, which is the root of all groups that it can see.
#   own-cgroup.sh <name> <command> [<argument>...]
# To be called in a mount namespace of its own.
set -eu
name=$1
shift
# The machine may have no version 2 hierarchy mounted, or have it elsewhere.
mount -t cgroup2 flashfreeze-guest /mnt
mkdir "/mnt/$name"
echo 0 >"/mnt/$name/cgroup.procs"
umount /mnt
exec unshare --cgroup -- "$@"
