make_storage() {
  pvcreate -q /dev/ubdb /dev/ubdc /dev/ubdd /dev/ubde /dev/ubdf
  vgcreate -q vgr /dev/ubdb /dev/ubdc /dev/ubdd /dev/ubde /dev/ubdf
  lvcreate -q -y -W n --type raid1 -m 1 --nosync -L 96M -n mirror vgr /dev/ubdb /dev/ubdc
  lvcreate -q -y -W n --type raid5 -i 2 -L 340M -n parity vgr /dev/ubdd /dev/ubde /dev/ubdf
  lvcreate -q -y -W n --type raid10 -i 2 -m 1 --nosync -L 64M -n both vgr /dev/ubdb /dev/ubdc /dev/ubdd /dev/ubde
  # Beside a mirror, on one of its disks.
  lvcreate -q -y -W n -L 64M -n beside vgr /dev/ubdb
  while [ "$(lvs --noheadings -o sync_percent vgr/parity | tr -d ' ')" != 100.00 ]; do
    sleep 0.2
  done
  mkfs.ext4 -q /dev/vgr/mirror
  mkfs.xfs -q -f /dev/vgr/parity
  mkfs.ext4 -q /dev/vgr/both
  mkfs.ext4 -q /dev/vgr/beside
}
open_storage() {
  vgchange -q -ay
}
