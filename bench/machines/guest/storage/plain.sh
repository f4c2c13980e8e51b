make_storage() {
  mkfs.ext4 -q -F /dev/ubdb
  table /dev/ubdc 'label: gpt' 'size=330M' 'size=+'
  mkfs.xfs -q -f /dev/ubdc1
  mkfs.ext4 -q /dev/ubdc2
  mkfs.btrfs -q -f /dev/ubdd
  table /dev/ubde 'label: dos' 'size=+'
  mkfs.ext4 -q /dev/ubde1
}
open_storage() { :; }
