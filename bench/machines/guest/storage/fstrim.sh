make_storage() {
  for letter in b c d; do
    slow_disk "ubd$letter"
  done
  mkfs.ext4 -q /dev/mapper/slow-ubdb
  mkfs.xfs -q -f /dev/mapper/slow-ubdc
  mkfs.btrfs -q -f /dev/mapper/slow-ubdd
}
begin_operation() {
  for letter in b c d; do
    slow_down "ubd$letter" 0 30
  done
  for type in ext4 xfs btrfs; do
    while [ ! -e /run/enough ]; do
      head -c 8M /dev/urandom >/d/$type/freed
      rm /d/$type/freed
      fstrim -v /d/$type || touch /run/trim-failed
    done >/run/fstrim-$type.log 2>&1 &
  done
  sleep 2
}
show_operation() {
  running_if test ! -e /run/trim-failed
  tail -n 1 /run/fstrim-*.log
}
end_operation() {
  touch /run/enough
  for letter in b c d; do
    speed_up "ubd$letter"
  done
  while pidof -q fstrim; do sleep 0.2; done
}
open_storage() {
  for letter in b c d; do
    slow_disk "ubd$letter"
  done
}
