# As Azure Disk Encryption lays a machine out: the header of the OS volume is a file on the boot partition, the key a file on
# a small disk, data disks are encrypted whole, and volumes lie on them.
keys=/mnt/azure_bek_disk
passphrase=$keys/LinuxPassPhraseFileName

encrypt() {
  cryptsetup -q luksFormat --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file $passphrase "$@"
}
unlock() {
  cryptsetup open --key-file $passphrase "$@"
}
make_storage() {
  table /dev/ubdb 'label: dos' 'size=+'
  mkfs.ext4 -q /dev/ubdb1
  mkdir -p $keys
  mount /dev/ubdb1 $keys
  printf passphrase >$passphrase
  mount -o remount,ro $keys

  table /dev/ubdc 'label: gpt' 'size=64M' 'size=+'
  mkfs.ext4 -q /dev/ubdc1
  mkdir -p /run/boot
  mount /dev/ubdc1 /run/boot
  mkdir /run/boot/luks
  encrypt --header /run/boot/luks/osluksheader /dev/ubdc2
  unlock --header /run/boot/luks/osluksheader /dev/ubdc2 osencrypt
  umount /run/boot
  mkfs.ext4 -q /dev/mapper/osencrypt

  for letter in d e; do
    encrypt "/dev/ubd$letter"
    unlock "/dev/ubd$letter" "crypt$letter"
    pvcreate -q "/dev/mapper/crypt$letter"
  done
  vgcreate -q vga /dev/mapper/cryptd /dev/mapper/crypte
  lvcreate -q -y -W n -i 2 -L 400M -n data vga
  mkfs.xfs -q -f /dev/vga/data
}
open_storage() {
  mkdir -p $keys
  mount -o ro,noload /dev/ubdb1 $keys
  mkdir -p /run/boot
  mount -o ro,noload /dev/ubdc1 /run/boot
  unlock --header /run/boot/luks/osluksheader /dev/ubdc2 osencrypt
  umount /run/boot
  unlock /dev/ubdd cryptd
  unlock /dev/ubde crypte
  udevadm settle
  vgchange -q -ay
}
