D=/dev/disk/lab
make_storage() {
  table $D/lun0 'label: gpt' 'size=+'
  udevadm wait --timeout=60 $D/lun0-part1
  mkfs.ext4 -q $D/lun0-part1
  mkfs.xfs -q -f $D/lun1
  mkfs.btrfs -q -f $D/lun2
}
open_storage() { :; }
