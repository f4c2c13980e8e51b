make_storage() {
  slow_disk ubdb
  mkfs.btrfs -q -f /dev/mapper/slow-ubdb
}
after_mounts() {
  head -c 150M /dev/urandom >/d/btrfs/data
  sync
}
begin_operation() {
  slow_down ubdb 1000 0
  btrfs scrub start /d/btrfs
}
show_operation() {
  case $(btrfs scrub status /d/btrfs) in
    *finished* | *aborted*) echo ended ;;
    *) echo running ;;
  esac
}
end_operation() {
  speed_up ubdb
  btrfs scrub cancel /d/btrfs || :
}
open_storage() {
  slow_disk ubdb
}
