# For storage scripts and operations.

# A table on a disk: label, then a line for each partition.
table() {
  disk=$1
  shift
  printf '%s\n' "$@" | sfdisk --quiet --wipe always "$disk"
  udevadm settle
}

# /dev/mapper/slow-<disk>, which is as quick as the disk until slow_down.
slow_disk() {
  dmsetup create "slow-$1" --table "0 $(blockdev --getsz "/dev/$1") linear /dev/$1 0"
}

# slow_down <disk> <ms for each read> <ms for each write>
slow_down() {
  dmsetup load "slow-$1" --table "0 $(blockdev --getsz "/dev/$1") delay /dev/$1 0 $2 /dev/$1 0 $3"
  dmsetup resume "slow-$1"
}

speed_up() {
  dmsetup load "slow-$1" --table "0 $(blockdev --getsz "/dev/$1") linear /dev/$1 0"
  dmsetup resume "slow-$1"
}

# The file system with its image can be unmounted then: while udev reads a loop device, it stays attached.
detach_loop() {
  losetup --detach "$1"
  while losetup "$1" >/dev/null 2>&1; do sleep 0.1; done
}

# For show_operation: whether processes of that name run.
running_if() {
  if "$@"; then echo running; else echo ended; fi
}

# A btrfs at /d/btrfs on a disk that can be slowed, with enough on it for an operation to last.
make_slow_btrfs() {
  slow_disk ubdb
  mkfs.btrfs -q -f /dev/mapper/slow-ubdb
}
fill_slow_btrfs() {
  head -c 150M /dev/urandom >/d/btrfs/data
  sync
}

# An ext4, an xfs and a btrfs, each on a disk of its own.
make_one_of_each() {
  mkfs.ext4 -q -F /dev/ubdb
  mkfs.xfs -q -f /dev/ubdc
  mkfs.btrfs -q -f /dev/ubdd
}
