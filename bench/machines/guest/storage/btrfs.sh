make_storage() {
  mkfs.btrfs -q -f -m raid1 -d raid1 /dev/ubdb /dev/ubdc /dev/ubdd
  mkfs.btrfs -q -f -m raid10 -d raid10 /dev/ubde /dev/ubdf /dev/ubdg /dev/ubdh
  table /dev/ubdi 'label: gpt' 'size=+'
  mkfs.btrfs -q -f -m dup -d single /dev/ubdi1
}
after_mounts() {
  btrfs -q subvolume create /d/raid1/sub
  mkdir -p /d/sub
  mount -o subvol=sub /dev/ubdc /d/sub
}
open_storage() {
  btrfs -q device scan
}
