make_storage() {
  table /dev/ubdc 'label: gpt' 'size=64M' 'size=96M'
  mkfs.ext4 -q -b 4096 -O journal_dev /dev/ubdc1
  mkfs.ext4 -q -F -b 4096 -J device=/dev/ubdc1 /dev/ubdb
  mkfs.xfs -q -f -l logdev=/dev/ubdc2 /dev/ubdd
  mkfs.xfs -q -f -r rtdev=/dev/ubdf /dev/ubde
  mkfs.ext4 -q -F /dev/ubdg
}
# New files go to the realtime device.
after_mounts() {
  xfs_io -c 'chattr +t' /d/realtime
}
open_storage() { :; }
