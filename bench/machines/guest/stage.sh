#!/bin/sh
# stage.sh freeze|check|drill|cut <machine>
set -eu
stage=$1
name=$2
export FF_MACHINE=$name LVM_SUPPRESS_FD_WARNINGS=1 NODE_EXTRA_CA_CERTS=/host/ca.pem
here=/repo/bench/machines/guest

. "$here/functions.sh"
after_mounts() { :; }
. "$here/storage/$name.sh"

for module in dm_mod dm_crypt dm_thin_pool dm_snapshot dm_raid dm_mirror dm_delay raid0 raid1 raid10 raid456 loop overlay squashfs f2fs nilfs2; do
  modprobe -q "$module" || true
done
mkdir -p /opt/flashfreeze
mount --bind /host/payload /opt/flashfreeze
case $stage in
  freeze) make_storage ;;
  *) open_storage ;;
esac
udevadm settle
if [ "$stage" != check ]; then
  while read -r at type device sector options; do
    mkdir -p "$at"
    case $device in
      /dev/*) ;;
      *) device=$(losetup --find --show --sector-size "$sector" "$device") ;;
    esac
    mount -t "$type" -o "$options" "$device" "$at"
  done </host/mounts
  after_mounts
  [ ! -e /host/vmbus ] || sh "$here/qemu/vmbus.sh" $(cat /host/vmbus)
fi
case $stage in
  cut | drill) UV_THREADPOOL_SIZE=32 exec /opt/flashfreeze/node "$here/drill.ts" "$stage" ;;
  *) exec /opt/flashfreeze/node "$here/$stage.ts" ;;
esac
