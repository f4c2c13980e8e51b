#!/bin/sh
# Makes the disk image of guests whose first process is systemd: as build-guest-image.sh makes it, with
# systemd in it, and of systemd's own units only those that leave the machine below alone.
#   build-systemd-image.sh <suite> <mirror> <image>
# To be called in a mount namespace of its own, under a lock.
set -eu
suite=$1
mirror=$2
image=$3
[ ! -e "$image" ] || exit 0

mount -t tmpfs flashfreeze-guest /mnt
root=/mnt/root
debootstrap --variant=minbase --include=openssl,systemd "$suite" "$root" "$mirror"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
  "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
echo guest >"$root/etc/hostname"
echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
# As Debian does it: the journal is kept on the root file system, where a freeze stops its writer.
mkdir -p "$root/mnt/machine" "$root/data" "$root/etc/azure" "$root/var/log/journal"

# Nothing is wanted at boot but the journal and the directories below /run and /tmp: no device manager,
# terminals, timers, clock, kernel settings or kernel file systems.
units=$root/etc/systemd/system
find "$root/usr/lib/systemd/system" "$units" -path '*.wants/*' \
  ! -name 'systemd-journald*.socket' ! -name systemd-journald.service \
  ! -name systemd-journal-flush.service ! -name systemd-tmpfiles-setup.service \
  ! -name systemd-user-sessions.service -delete
rm -f "$units"/*.wants/systemd-journald-audit.socket \
  "$root"/usr/lib/systemd/system/*.wants/systemd-journald-audit.socket
# What something else could still start.
for unit in systemd-udevd systemd-udev-trigger systemd-networkd systemd-timesyncd systemd-sysctl \
  systemd-modules-load systemd-remount-fs systemd-logind systemd-binfmt systemd-random-seed \
  systemd-tmpfiles-setup-dev kmod-static-nodes console-getty getty@ serial-getty@; do
  ln -sf /dev/null "$units/$unit.service"
done
for unit in tmp.mount dev-hugepages.mount dev-mqueue.mount systemd-journald-audit.socket; do
  ln -sf /dev/null "$units/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$units/default.target"

rm -f "$image.part"
truncate --size=1G "$image.part"
mkfs.ext4 -q -F -m 0 -O metadata_csum_seed -E lazy_itable_init=1,lazy_journal_init=1 -J size=8 \
  -d "$root" "$image.part"
mv "$image.part" "$image"
