make_storage() {
  pvcreate -q /dev/ubdb /dev/ubdc
  vgcreate -q vgp /dev/ubdb /dev/ubdc
  lvcreate -q -y -W n -L 1200M -n moved vgp /dev/ubdb
  mkfs.ext4 -q /dev/vgp/moved
}
begin_operation() {
  echo 1 >/sys/module/dm_mirror/parameters/raid1_resync_throttle
  pvmove --config global/use_lvmpolld=0 --background --interval 1 /dev/ubdb /dev/ubdc
}
show_operation() {
  running_if test -n "$(lvs --noheadings --all --select 'lv_name=[pvmove0]||lv_name=pvmove0' vgp)"
  dmsetup status vgp-pvmove0 || :
}
end_operation() {
  echo 100 >/sys/module/dm_mirror/parameters/raid1_resync_throttle
  pvmove --config global/use_lvmpolld=0 --abort || :
}
open_storage() {
  vgchange -q -ay
}
