make_storage() {
  echo 200 >/proc/sys/dev/raid/speed_limit_min
  echo 500 >/proc/sys/dev/raid/speed_limit_max
  mdadm -q --create /dev/md1 --run --level=1 -n2 --bitmap=none /dev/ubdb /dev/ubdc
  mkfs.ext4 -q /dev/md1
  mdadm -q --create /dev/md2 --run --level=5 -n3 --assume-clean /dev/ubdd /dev/ubde /dev/ubdf
  mkfs.xfs -q -f /dev/md2
}
begin_operation() {
  mdadm -q /dev/md2 --fail /dev/ubdf --remove /dev/ubdf
  mdadm -q --zero-superblock /dev/ubdf
  mdadm -q /dev/md2 --add /dev/ubdf
  sleep 1
}
show_operation() {
  running_if grep -q resync /proc/mdstat
  grep -A 3 ^md /proc/mdstat
}
end_operation() {
  echo 1000000 >/proc/sys/dev/raid/speed_limit_max
}
open_storage() {
  mdadm -q --assemble --run /dev/md1 /dev/ubdb /dev/ubdc
  # A degraded array that was in use: doctor says that its copy may want force.
  mdadm -q --assemble --run /dev/md2 /dev/ubdd /dev/ubde /dev/ubdf || {
    mdadm -q --stop /dev/md2 || :
    mdadm -q --assemble --force --run /dev/md2 /dev/ubdd /dev/ubde /dev/ubdf
  }
}
