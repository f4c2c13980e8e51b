#!/bin/sh
# Builds the lab's root inside a fresh mount and network namespace and runs a command in it.
#   root.sh <mount point to cover>... -- <command> [<argument>...]
# Descriptor 3 takes the reason where the lab cannot be built; the exit code is then 125.
#
# Every file system of the machine is seen through an overlay whose upper layer is a tmpfs: nothing
# written reaches the machine, and FIFREEZE on an overlay answers EOPNOTSUPP. The old root is
# detached, so no mount point of a real file system can even be named.
set -u
fail() {
  printf '%s\n' "$1" >&3
  exit 125
}
directory=$PWD

# The old /sys is not needed any more, and nobody's files are below it: a place to build that needs
# no directory made on the machine.
mount -t tmpfs flashfreeze-lab /sys || fail "a tmpfs cannot be mounted"
layer=0
cover() {
  layer=$((layer + 1))
  mkdir -p "/sys/upper/$layer" "/sys/work/$layer"
  # Relative, because overlayfs gives commas and colons of a path a meaning.
  cd "$1" && mount -t overlay flashfreeze-lab \
    -o "lowerdir=.,upperdir=/sys/upper/$layer,workdir=/sys/work/$layer" "/sys/root$1"
}
mkdir /sys/root
cover / || fail "an overlay of / cannot be mounted: the kernel must have overlayfs"
while [ "$1" != -- ]; do
  if [ -d "$1" ] && ! cover "$1" 2>/dev/null; then
    case "$directory/" in "${1%/}"/*) fail "an overlay of $1 cannot be mounted" ;; esac
  fi
  shift
done
shift

cd /sys/root || fail "the new root is not there"
{
  mount -t proc proc proc &&
    mount -t sysfs sysfs sys &&
    { mount -t devtmpfs devtmpfs dev 2>/dev/null || mount --bind /dev dev; } &&
    mkdir -p dev/pts dev/shm run lab &&
    mount --bind /dev/pts dev/pts &&
    mount -t tmpfs shm dev/shm &&
    mount -t tmpfs run run &&
    mount -t tmpfs -o mode=755 flashfreeze-lab lab
} || fail "the lab's own /proc, /sys, /dev or /run cannot be mounted"
# The hierarchies of control groups that the machine uses, and no new ones.
mount -t tmpfs -o mode=755 flashfreeze-lab sys/fs/cgroup 2>/dev/null &&
  while IFS=: read -r number hierarchy path; do
    case $hierarchy in
      '') mkdir sys/fs/cgroup/unified && mount -t cgroup2 none sys/fs/cgroup/unified ;;
      freezer | pids)
        mkdir "sys/fs/cgroup/$hierarchy" && mount -t cgroup -o "$hierarchy" none "sys/fs/cgroup/$hierarchy" ;;
      name=*) mkdir "sys/fs/cgroup/$hierarchy" && mount -t cgroup -o "none,$hierarchy" none "sys/fs/cgroup/$hierarchy" ;;
    esac
  done </proc/self/cgroup 2>/dev/null
# What the machine wants quiesced and how it is backed up is none of the lab's business.
{ mkdir -p etc/azure && mount -t tmpfs -o mode=755 flashfreeze-lab etc/azure && rm -f etc/waagent.conf; } ||
  fail "the machine's configuration cannot be hidden"
printf '127.0.0.1 localhost\n::1 localhost\n' >etc/hosts
mkdir lab/machine && pivot_root . lab/machine || fail "pivot_root failed"
cd / && umount -l /lab/machine && rmdir /lab/machine || fail "the old root cannot be detached"
ip link set lo up || fail "the loopback interface cannot be set up"
cd "$directory" || fail "$directory is not there inside the lab"
exec "$@"
