D=/dev/disk/lab
make_storage() {
  table $D/lun0 'label: gpt' 'size=+'
  udevadm wait --timeout=60 $D/lun0-part1
  mkfs.ext4 -q $D/lun0-part1
  pvcreate -q $D/lun5 $D/lun1
  vgcreate -q vgdata $D/lun5 $D/lun1
  lvcreate -q -y -W n -i 2 -L 360M -n stripe vgdata
  mkfs.xfs -q -f /dev/vgdata/stripe
  mkfs.xfs -q -f $D/lun12
  mkfs.ext4 -q -F $D/lun63
  table $D/lun7 'label: gpt' 'size=+'
  udevadm wait --timeout=60 $D/lun7-part1
  pvcreate -q $D/lun2 $D/lun7-part1
  vgcreate -q vglinear $D/lun2 $D/lun7-part1
  lvcreate -q -y -W n -L 200M -n linear vglinear
  mkfs.ext4 -q /dev/vglinear/linear
  table $D/resource 'label: gpt' 'size=+'
  udevadm wait --timeout=60 $D/resource-part1
  mkfs.ext4 -q $D/resource-part1
}
after_mounts() {
  mkdir -p /mnt/resource
  mount $D/resource-part1 /mnt/resource
}
open_storage() {
  vgchange -q -ay
}
