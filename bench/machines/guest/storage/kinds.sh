make_storage() {
  mkfs.ext2 -q -F /dev/ubdb
  mkfs.ext3 -q -F /dev/ubdc
  mkfs.f2fs -q -f /dev/ubdd
  mkfs.ext4 -q -F /dev/ubde
  mount /dev/ubde /mnt
  truncate -s 400M /mnt/image
  # Sectors of 4096 bytes, as some disks have.
  loop=$(losetup --find --show --sector-size 4096 /mnt/image)
  mkfs.xfs -q -f "$loop"
  detach_loop "$loop"
  umount /mnt
  mkfs.nilfs2 -q /dev/ubdf
}
open_storage() { :; }
