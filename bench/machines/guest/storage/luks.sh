key=/run/key
printf key >$key

encrypt() {
  cryptsetup -q luksFormat --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file $key "$@"
}
unlock() {
  cryptsetup open --key-file $key "$@"
}
make_storage() {
  table /dev/ubdb 'label: gpt' 'size=+'
  encrypt /dev/ubdb1
  unlock /dev/ubdb1 locked
  mkfs.ext4 -q /dev/mapper/locked
  table /dev/ubdc 'label: gpt' 'size=+'
  encrypt /dev/ubdc1
  unlock /dev/ubdc1 lockedgroup
  pvcreate -q /dev/mapper/lockedgroup
  vgcreate -q vgc /dev/mapper/lockedgroup
  lvcreate -q -y -W n -L 64M -n a vgc
  lvcreate -q -y -W n -L 320M -n b vgc
  mkfs.ext4 -q /dev/vgc/a
  mkfs.xfs -q -f /dev/vgc/b
  encrypt --type luks1 /dev/ubdd
  unlock /dev/ubdd lockedwhole
  mkfs.ext4 -q /dev/mapper/lockedwhole
  # A volume group over two disks, with the encryption above the volume.
  pvcreate -q /dev/ubde /dev/ubdf
  vgcreate -q vgd /dev/ubde /dev/ubdf
  lvcreate -q -y -W n -i 2 -L 160M -n under vgd
  encrypt /dev/vgd/under
  unlock /dev/vgd/under lockedvolume
  mkfs.btrfs -q -f /dev/mapper/lockedvolume
}
open_storage() {
  vgchange -q -ay vgd
  unlock /dev/ubdb1 locked
  unlock /dev/ubdc1 lockedgroup
  unlock /dev/ubdd lockedwhole
  unlock /dev/vgd/under lockedvolume
  udevadm settle
  vgchange -q -ay vgc
}
