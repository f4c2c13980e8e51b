#!/bin/sh
# Makes the OS disk that the machines boot from, partitioned as Azure's images are: a minimal Debian with
# the tools of every storage stack.
#   root.sh <suite> <mirror> <image> <architecture>
# To be called in a mount namespace of its own.
set -eu
suite=$1
mirror=$2
image=$3
architecture=$4
here=$(dirname "$0")

root=$(mktemp -d "$image.XXXXXX")
trap 'rm -rf "$root"' EXIT
packages="udev,kmod,lvm2,thin-provisioning-tools,mdadm,cryptsetup-bin,xfsprogs,btrfs-progs,e2fsprogs,f2fs-tools,\
nilfs-tools,jfsutils,squashfs-tools,fdisk,kpartx,dmsetup,openssl,iproute2,busybox,ca-certificates,multipath-tools,secilc,auditd"
if [ "$architecture" = "$(dpkg --print-architecture)" ]; then
  debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror"
else
  # Nothing of another architecture can run here: packages are unpacked, and what the machine needs of what their
  # scripts would have done is done here.
  debootstrap --foreign --arch="$architecture" --variant=minbase --include="$packages" "$suite" "$root" "$mirror"
  for package in "$root"/var/cache/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root"
  done
  rm -rf "$root/debootstrap"
  # debootstrap leaves a link to the host's, which leads to itself in the machine.
  [ ! -L "$root/proc" ] || rm "$root/proc"
  mkdir -p "$root/proc" "$root/media" "$root/mnt"
  for file in passwd group; do
    cp "$root/usr/share/base-passwd/$file.master" "$root/etc/$file"
  done
  [ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
  [ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
fi
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/doc/* \
  "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/i18n "$root"/boot/*
echo machine >"$root/etc/hostname"
echo '127.0.0.1 localhost machine' >"$root/etc/hosts"
mkdir -p "$root/host" "$root/repo" "$root/d" "$root/opt"
install -m 755 "$here/guest/machine-init" "$root/sbin/machine-init"

rm -f "$image.part"
truncate --size=1G "$image.part"
sfdisk --quiet "$image.part" <<'TABLE'
label: gpt
14: start=2048, size=8192, type=21686148-6449-6E6F-744E-656564454649
15: start=10240, size=204800, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
1: start=262144, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4
TABLE
# Without the features that the oldest of the kernels does not know.
mkfs.ext4 -q -F -m 0 -O ^orphan_file,^metadata_csum_seed -J size=16 -E offset=134217728,lazy_itable_init=1 \
  -d "$root" "$image.part" 890M
mv "$image.part" "$image"
