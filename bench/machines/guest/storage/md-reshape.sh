make_storage() {
  mdadm -q --create /dev/md1 --run --level=5 -n3 --assume-clean /dev/ubdb /dev/ubdc /dev/ubdd
  mkfs.ext4 -q /dev/md1
}
begin_operation() {
  echo 100 >/proc/sys/dev/raid/speed_limit_min
  echo 300 >/proc/sys/dev/raid/speed_limit_max
  mdadm -q /dev/md1 --add /dev/ubde
  mdadm -q --grow /dev/md1 --raid-devices=4
  sleep 1
}
show_operation() {
  running_if grep -q reshape /proc/mdstat
  grep -A 3 ^md /proc/mdstat
}
end_operation() {
  echo 1000000 >/proc/sys/dev/raid/speed_limit_max
}
open_storage() {
  mdadm -q --assemble --run /dev/md1 /dev/ubdb /dev/ubdc /dev/ubdd /dev/ubde
}
