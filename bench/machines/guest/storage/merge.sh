make_storage() {
  pvcreate -q /dev/ubdb /dev/ubdc
  vgcreate -q vgs /dev/ubdb /dev/ubdc
  lvcreate -q -y -W n -L 600M -n origin vgs /dev/ubdb
  mkfs.ext4 -q /dev/vgs/origin
  lvcreate -q -y -s -L 640M -n kept vgs/origin /dev/ubdc
  # What the snapshot has kept is merged back.
  mount /dev/vgs/origin /mnt
  head -c 500M /dev/urandom >/mnt/new
  umount /mnt
  echo 1 >/sys/module/dm_snapshot/parameters/snapshot_copy_throttle
  lvchange -q -an vgs/origin
  lvconvert -q -y --config global/use_lvmpolld=0 --background --merge vgs/kept
  lvchange -q -ay --config global/use_lvmpolld=0 vgs/origin
}
begin_operation() { :; }
show_operation() {
  running_if sh -c "dmsetup status vgs-origin | grep -q snapshot-merge"
  dmsetup status vgs-origin
}
end_operation() {
  echo 100 >/sys/module/dm_snapshot/parameters/snapshot_copy_throttle
}
open_storage() {
  vgchange -q -ay
}
