. "$here/audit.sh"
make_storage() { make_one_of_each; }
open_storage() { :; }
begin_operation() {
  start_auditd /d/ext4/audit
  sleep 2
}
show_operation() {
  show_auditd
  ls -l /d/ext4/audit
}
end_operation() { stop_auditd; }
