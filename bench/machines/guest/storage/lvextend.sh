make_storage() {
  pvcreate -q /dev/ubdb
  vgcreate -q vge /dev/ubdb
  lvcreate -q -y -W n -L 96M -n grown vge
  mkfs.ext4 -q /dev/vge/grown
}
# One extent after the other; each suspends the volume for a moment.
begin_operation() {
  while [ ! -e /run/enough ]; do
    lvextend -q -l +1 vge/grown || touch /run/extend-failed
    lvreduce -q -y -f -l -1 vge/grown || :
  done >/run/lvextend.log 2>&1 &
  sleep 1
}
show_operation() {
  running_if test ! -e /run/extend-failed
  tail -n 3 /run/lvextend.log
}
end_operation() {
  touch /run/enough
  while pidof -q lvextend lvreduce; do sleep 0.2; done
}
open_storage() {
  vgchange -q -ay
}
