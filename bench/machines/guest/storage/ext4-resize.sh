# Small groups that are written out, so that each step takes its time.
make_storage() {
  slow_disk ubdb
  mkfs.ext4 -q -b 1024 -O ^flex_bg,^uninit_bg,^metadata_csum -E resize=4194304 /dev/mapper/slow-ubdb 64M
}
begin_operation() {
  slow_down ubdb 0 60
  resize2fs /dev/mapper/slow-ubdb >/run/resize.log 2>&1 &
  sleep 1
}
show_operation() {
  running_if pidof -q resize2fs
  cat /run/resize.log
}
end_operation() {
  speed_up ubdb
  while pidof -q resize2fs; do sleep 0.2; done
}
open_storage() {
  slow_disk ubdb
}
