#!/bin/sh
# As boot-guest.sh, with systemd as the guest's first process.
#   boot-systemd-guest.sh <root> [<mounted disk> <mount point in the guest>]...
# Descriptor 3 gets the first process's pid, as the lab numbers it, when systemd is about to begin.
# To be called in namespaces of its own for mounts, processes, control groups and the host's name.
#
# systemd takes its machine to be its own. Here it can change neither kernel settings (/proc/sys, /sys)
# nor clock, modules or network; of devices it sees those without a machine behind them, and the loop
# devices in use.
set -eu
root=$1
shift
read -r init _ </proc/self/stat
while [ $# -gt 0 ]; do
  mkdir -p "$root$2"
  mount --move "$1" "$root$2"
  shift 2
done
cd "$root"
mount -t proc proc proc
for path in proc/sys proc/sysrq-trigger; do
  if [ -e "$path" ]; then
    mount --bind "$path" "$path"
    mount -o remount,bind,ro "$path"
  fi
done
mount -t sysfs sysfs sys
# The one that flashfreeze sets, as it may on a real machine.
mount --bind sys/kernel/rcu_expedited sys/kernel/rcu_expedited
mount -o remount,bind,ro sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
for node in null zero full random urandom tty; do
  cp -a "/dev/$node" dev/
done
for attached in sys/block/loop*/loop; do
  device=${attached%/loop}
  # Others' come and go meanwhile.
  cp -a "/dev/${device##*/}" "/dev/${device##*/}"p[0-9]* dev/ 2>/dev/null || true
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs shm dev/shm
mount -t tmpfs -o mode=755 run run
pivot_root . mnt/machine
cd /
umount -l /mnt/machine
exec env --ignore-environment container=flashfreeze-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set=-sys_time,-wake_alarm,-sys_module,-sys_rawio,-mknod,-net_admin,-syslog,-audit_control,-audit_read,-audit_write,-mac_admin,-mac_override,-bpf,-perfmon \
  sh -c 'echo "$0" >&3; exec 3>&- /lib/systemd/systemd --log-target=journal --show-status=no' \
  "$init" </dev/null >/dev/null 2>&1
