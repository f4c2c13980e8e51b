# vmbus.sh <device id>...: lets sysfs show device ids of Hyper-V's bus above the SCSI controllers, in their order.
# QEMU has no SCSI controller on that bus. To be called last: udev looks at no device whose folder is not in sysfs itself.
for controller in $(ls -d /sys/devices/pci*/*/virtio*/host* | sort); do
  [ $# -gt 0 ] || break
  folder=${controller%/*}
  shown=$(mktemp -d /run/vmbus-XXXXXX)
  echo "{$1}" >"$shown/device_id"
  chmod 755 "$shown"
  # Colons part the folders from each other.
  lower=$(echo "$folder" | sed 's/:/\\:/g')
  mount -t overlay -o "ro,lowerdir=$shown:$lower" device-id "$folder"
  shift
done
