make_storage() { make_slow_btrfs; }
after_mounts() { fill_slow_btrfs; }
begin_operation() {
  slow_down ubdb 1000 0
  btrfs balance start --background --full-balance /d/btrfs
}
show_operation() {
  case $(btrfs balance status /d/btrfs) in
    *running*) echo running ;;
    *paused*) echo paused ;;
    *) echo ended ;;
  esac
}
end_operation() {
  speed_up ubdb
  btrfs balance cancel /d/btrfs || :
}
open_storage() {
  slow_disk ubdb
}
