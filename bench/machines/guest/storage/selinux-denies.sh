. "$here/storage/selinux.sh"
begin_operation() {
  enforce no-freeze
}
show_operation() {
  running_if test "$(cat /sys/fs/selinux/enforce)" = 1
}
end_operation() {
  echo 0 >/sys/fs/selinux/enforce
}
