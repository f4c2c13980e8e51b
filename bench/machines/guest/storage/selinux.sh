. "$here/selinux/functions.sh"
make_storage() {
  mkfs.ext4 -q -F /dev/ubdb
  mkfs.xfs -q -f /dev/ubdc
  mkfs.btrfs -q -f /dev/ubdd
}
open_storage() { :; }
after_mounts() {
  enforce less
  confine_flashfreeze
}
