D=/dev/disk/lab
# The daemon makes a device of every disk that it sees twice.
open_paths() {
  modprobe dm_multipath
  modprobe dm_service_time
  cat >/etc/multipath.conf <<'CONFIGURATION'
defaults {
  find_multipaths yes
  user_friendly_names yes
}
multipaths {
  multipath {
    wwid 0QEMU_QEMU_HARDDISK_lun1
    alias parted
  }
  multipath {
    wwid 0QEMU_QEMU_HARDDISK_lun2
    alias whole
  }
}
CONFIGURATION
  multipathd
  udevadm wait --timeout=120 /dev/mapper/parted /dev/mapper/whole
  multipath -ll
}
make_storage() {
  mkfs.ext4 -q -F $D/lun0
  open_paths
  # The kernel keeps no partitions of a device of dm: kpartx makes them.
  printf 'label: gpt\nsize=+\n' | sfdisk --quiet --no-reread --no-tell-kernel --wipe always /dev/mapper/parted
  kpartx -a -p -part /dev/mapper/parted
  udevadm wait --timeout=60 /dev/mapper/parted-part1
  mkfs.ext4 -q /dev/mapper/parted-part1
  mkfs.xfs -q -f /dev/mapper/whole
}
open_storage() {
  open_paths
  udevadm wait --timeout=60 /dev/mapper/parted-part1
}
