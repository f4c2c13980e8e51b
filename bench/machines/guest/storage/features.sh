make_storage() {
  mkfs.ext4 -q -F -O bigalloc,fast_commit -C 65536 /dev/ubdb
  mkfs.xfs -q -f -m crc=1,reflink=1,rmapbt=1,bigtime=1,inobtcount=1 /dev/ubdc
  # The superblock of these versions is at the end of each member.
  mdadm -q --create /dev/md1 --run --level=1 -n2 --metadata=1.0 --bitmap=none --assume-clean /dev/ubdd /dev/ubde
  mkfs.ext4 -q /dev/md1
  mdadm -q --create /dev/md2 --run --level=1 -n2 --metadata=0.90 --bitmap=none --assume-clean /dev/ubdf /dev/ubdg
  mkfs.ext4 -q /dev/md2
  mdadm -q --create /dev/md3 --run --level=5 -n3 --metadata=1.0 --assume-clean /dev/ubdh /dev/ubdi /dev/ubdj
  mkfs.ext4 -q /dev/md3
  table /dev/ubdk 'label: gpt' 'size=+'
  hybrid /dev/ubdk
  mkfs.ext4 -q /dev/ubdk1
}
# A hybrid MBR: the partition of the GPT stands in it, too.
hybrid() {
  {
    printf '\000\376\377\377\203\376\377\377\000\010\000\000\000\100\002\000'
    printf '\000\376\377\377\356\376\377\377\001\000\000\000\377\007\000\000'
  } | dd of="$1" bs=1 seek=446 conv=notrunc,fsync status=none
  blockdev --rereadpt "$1"
  udevadm settle
}
open_storage() {
  mdadm -q --assemble --run /dev/md1 /dev/ubdd /dev/ubde
  mdadm -q --assemble --run /dev/md2 /dev/ubdf /dev/ubdg
  mdadm -q --assemble --run /dev/md3 /dev/ubdh /dev/ubdi /dev/ubdj
}
