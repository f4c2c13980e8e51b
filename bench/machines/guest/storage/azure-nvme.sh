D=/dev/disk/lab
make_storage() {
  table $D/lun0 'label: gpt' 'size=+'
  udevadm wait --timeout=60 $D/lun0-part1
  mkfs.ext4 -q $D/lun0-part1
  mkfs.xfs -q -f $D/lun3
  pvcreate -q $D/lun20 $D/lun1
  vgcreate -q vgdata $D/lun20 $D/lun1
  lvcreate -q -y -W n -i 2 -L 360M -n stripe vgdata
  mkfs.xfs -q -f /dev/vgdata/stripe
  mkfs.ext4 -q -F $D/local
}
after_mounts() {
  mkdir -p /mnt/resource
  mount $D/local /mnt/resource
}
open_storage() {
  vgchange -q -ay
}
