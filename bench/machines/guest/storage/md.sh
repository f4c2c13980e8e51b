make_storage() {
  mdadm -q --create /dev/md1 --run --level=1 -n2 --metadata=1.2 --bitmap=none --assume-clean /dev/ubdb /dev/ubdc
  mkfs.ext4 -q /dev/md1
  mdadm -q --create /dev/md2 --run --level=0 -n2 /dev/ubdd /dev/ubde
  mkfs.xfs -q -f /dev/md2
  mdadm -q --create /dev/md3 --run --level=5 -n3 --assume-clean /dev/ubdf /dev/ubdg /dev/ubdh
  table /dev/md3 'label: gpt' 'size=+'
  mkfs.ext4 -q /dev/md3p1
  mdadm -q --create /dev/md4 --run --level=10 -n4 --assume-clean /dev/ubdi /dev/ubdj /dev/ubdk /dev/ubdl
  pvcreate -q /dev/md4
  vgcreate -q vgm /dev/md4
  lvcreate -q -y -W n -L 320M -n onmd vgm
  mkfs.xfs -q -f /dev/vgm/onmd
}
open_storage() {
  mdadm -q --assemble --run /dev/md1 /dev/ubdb /dev/ubdc
  mdadm -q --assemble --run /dev/md2 /dev/ubdd /dev/ubde
  mdadm -q --assemble --run /dev/md3 /dev/ubdf /dev/ubdg /dev/ubdh
  mdadm -q --assemble --run /dev/md4 /dev/ubdi /dev/ubdj /dev/ubdk /dev/ubdl
  udevadm settle
  vgchange -q -ay
}
