make_storage() {
  slow_disk ubdb
  mkfs.xfs -q -f -d size=320m,agcount=4 /dev/mapper/slow-ubdb
}
# One allocation group after the other, each in one call.
begin_operation() {
  slow_down ubdb 0 400
  {
    blocks=81920
    while [ "$blocks" -lt 1000000 ] && [ ! -e /run/enough ]; do
      blocks=$((blocks + 20480))
      xfs_growfs -D $blocks /d/xfs || break
    done
    touch /run/grown
  } >/run/growfs.log 2>&1 &
  sleep 1
}
show_operation() {
  running_if test ! -e /run/grown
  tail -n 1 /run/growfs.log
}
end_operation() {
  touch /run/enough
  speed_up ubdb
  while [ ! -e /run/grown ]; do sleep 0.2; done
}
open_storage() {
  slow_disk ubdb
}
