make_storage() {
  mkfs.ext4 -q -F /dev/ubdb
  mount /dev/ubdb /mnt
  truncate -s 80M /mnt/image
  mkfs.ext4 -q -F /mnt/image
  mksquashfs /etc /mnt/core.snap -quiet -no-progress
  umount /mnt
  pvcreate -q /dev/ubdc /dev/ubdd
  vgcreate -q vgi /dev/ubdc /dev/ubdd
  lvcreate -q -y -W n -i 2 -L 500M -n holder vgi
  lvcreate -q -y -W n -L 64M -n swap vgi
  mkfs.xfs -q -f /dev/vgi/holder
  mount /dev/vgi/holder /mnt
  truncate -s 120M /mnt/image
  mkfs.ext4 -q -F -b 4096 /mnt/image
  umount /mnt
  mkswap -q /dev/vgi/swap
}
after_mounts() {
  swapon /dev/vgi/swap
  mkdir -p /d/bind /d/snap /d/overlay /d/ext4/lower /d/ext4/upper /d/ext4/work
  mount --bind /d/ext4/upper /d/bind
  mount -t squashfs -o loop,ro /d/ext4/core.snap /d/snap
  mount -t overlay -o lowerdir=/d/ext4/lower,upperdir=/d/ext4/upper,workdir=/d/ext4/work overlay /d/overlay
}
open_storage() {
  vgchange -q -ay
}
