. "$here/audit.sh"
make_storage() { make_one_of_each; }
open_storage() { :; }
# The disk of the log is an image: the writers of the other file systems go on.
begin_operation() {
  truncate --size=16M /d/ext4/log.img
  mkfs.ext4 -q -F -m 0 /d/ext4/log.img
  mkdir -p /d/log
  mount -o loop /d/ext4/log.img /d/log
  start_auditd /d/log/audit
  dd if=/dev/zero of=/d/log/rest bs=64k 2>/dev/null || :
  dd if=/dev/zero of=/d/log/last bs=512 2>/dev/null || :
  sleep 2
}
show_operation() {
  show_auditd
  df --block-size=1 /d/log
}
end_operation() {
  stop_auditd
  umount /d/log
}
