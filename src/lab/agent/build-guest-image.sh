#!/bin/sh
# Makes the disk image that guests start from: ext4 with a minimal Debian and openssl, which the guest
# agent itself needs; no Node, no compiler, no python.
#   build-guest-image.sh <suite> <mirror> <image>
# To be called in a mount namespace of its own, under a lock.
set -eu
suite=$1
mirror=$2
image=$3
[ ! -e "$image" ] || exit 0

# In memory, over a directory that every machine has: nothing of it is left when the namespace ends.
mount -t tmpfs flashfreeze-guest /mnt
root=/mnt/root
debootstrap --variant=minbase --include=openssl "$suite" "$root" "$mirror"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
  "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
echo guest >"$root/etc/hostname"
echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
mkdir -p "$root/mnt/machine" "$root/data" "$root/etc/azure"

rm -f "$image.part"
truncate --size=1G "$image.part"
# With the seed in the superblock each guest can be given a UUID of its own at once.
mkfs.ext4 -q -F -m 0 -O metadata_csum_seed -E lazy_itable_init=1,lazy_journal_init=1 -J size=8 \
  -d "$root" "$image.part"
mv "$image.part" "$image"
