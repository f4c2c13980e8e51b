make_storage() {
  mdadm -q --create /dev/md1 --run --level=1 -n2 --bitmap=internal --assume-clean /dev/ubdb /dev/ubdc
  mkfs.ext4 -q /dev/md1
}
begin_operation() {
  echo 200 >/proc/sys/dev/raid/speed_limit_min
  echo 500 >/proc/sys/dev/raid/speed_limit_max
  echo check >/sys/block/md1/md/sync_action
  sleep 1
}
show_operation() {
  running_if grep -q check /proc/mdstat
  grep -A 3 ^md /proc/mdstat
}
end_operation() {
  echo idle >/sys/block/md1/md/sync_action
}
open_storage() {
  mdadm -q --assemble --run /dev/md1 /dev/ubdb /dev/ubdc
}
