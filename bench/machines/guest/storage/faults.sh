D=/dev/disk/lab
make_storage() {
  for lun in 0 2 3 4; do
    mkfs.ext4 -q -F $D/lun$lun
  done
  mkfs.xfs -q -f $D/lun1
  mkfs.btrfs -q -f $D/lun5
}
open_storage() { :; }
