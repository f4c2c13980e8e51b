make_storage() {
  pvcreate -q /dev/ubdb /dev/ubdc /dev/ubdd /dev/ubde
  vgcreate -q vgs /dev/ubdb /dev/ubdc /dev/ubdd /dev/ubde
  lvcreate -q -y -W n -i 4 -L 400M -n stripe vgs
  # The first segment fills what the stripes leave of one disk.
  lvcreate -q -y -W n -L 120M -n linear vgs /dev/ubdb /dev/ubdc
  mkfs.xfs -q -f /dev/vgs/stripe
  mkfs.ext4 -q /dev/vgs/linear

  table /dev/ubdg 'label: gpt' 'size=+'
  pvcreate -q /dev/ubdf /dev/ubdg1
  vgcreate -q vgt /dev/ubdf /dev/ubdg1
  lvcreate -q -y -L 150M -T vgt/pool
  lvcreate -q -y -W n -V 200M -T vgt/pool -n thin
  mkfs.ext4 -q /dev/vgt/thin
  lvcreate -q -y -W n -L 64M -n orig vgt
  mkfs.ext4 -q /dev/vgt/orig
  lvcreate -q -y -s -L 40M -n cow vgt/orig
  lvcreate -q -y -s -n thinsnap vgt/thin
  lvchange -q -y -kn -ay vgt/thinsnap
  for volume in cow thinsnap; do
    e2fsck -fy /dev/vgt/$volume >/dev/null
    tune2fs -U random /dev/vgt/$volume
  done
}
open_storage() {
  vgchange -q -ay
  lvchange -q -kn -ay vgt/thinsnap
}
