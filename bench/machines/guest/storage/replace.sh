make_storage() { make_slow_btrfs; }
after_mounts() { fill_slow_btrfs; }
begin_operation() {
  slow_down ubdb 4000 0
  btrfs replace start -f 1 /dev/ubdc /d/btrfs
}
show_operation() {
  case $(btrfs replace status -1 /d/btrfs) in
    *done*) echo running ;;
    *) echo ended ;;
  esac
}
end_operation() {
  speed_up ubdb
  btrfs replace cancel /d/btrfs || :
}
open_storage() {
  slow_disk ubdb
}
