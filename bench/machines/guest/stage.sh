#!/bin/sh
# stage.sh freeze|check <machine>
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
mount -t hostfs -o ro,/work/share/payload none /opt/flashfreeze
if [ "$stage" = freeze ]; then
  make_storage
  udevadm settle
  while read -r at type device sector options; do
    mkdir -p "$at"
    case $device in
      /dev/*) ;;
      *) device=$(losetup --find --show --sector-size "$sector" "$device") ;;
    esac
    mount -t "$type" -o "$options" "$device" "$at"
  done </host/mounts
  after_mounts
else
  open_storage
  udevadm settle
fi
exec /opt/flashfreeze/node "$here/$stage.ts"
