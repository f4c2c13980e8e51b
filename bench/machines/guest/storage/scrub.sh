make_storage() { make_slow_btrfs; }
after_mounts() { fill_slow_btrfs; }
begin_operation() {
  slow_down ubdb 4000 0
  btrfs scrub start /d/btrfs
}
show_operation() {
  case $(btrfs scrub status /d/btrfs) in
    *running*) echo running ;;
    *) echo ended ;;
  esac
}
end_operation() {
  speed_up ubdb
  btrfs scrub cancel /d/btrfs || :
}
open_storage() {
  slow_disk ubdb
}
