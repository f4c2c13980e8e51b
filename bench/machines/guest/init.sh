# Process 1 of a machine. Its stage (ff.stage=freeze or check) and name (ff.machine=) come from the kernel's
# command line; what it says goes to /host/<stage>.log, its exit code to /host/<stage>.rc.
argument() { sed -n "s/.*\<ff\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
stage=$(argument stage)
name=$(argument machine)

mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs tmp /tmp
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
hostname machine
# mkfs.nilfs2 wants it.
ln -sf /proc/self/mounts /etc/mtab
# The storage scripts assemble arrays, under the numbers that the table of machines names.
mkdir -p /run/udev/rules.d
ln -s /dev/null /run/udev/rules.d/64-md-raid-assembly.rules
# Links by the names that the table of machines gives to the disks.
[ ! -e /host/disks.rules ] || cp /host/disks.rules /run/udev/rules.d/99-lab.rules
/usr/lib/systemd/systemd-udevd --daemon
udevadm trigger --action=add --subsystem-match=block
udevadm settle --timeout=60
ip link set lo up
for card in vec0 eth0; do
  [ ! -e "/sys/class/net/$card" ] || ip address add 10.99.0.2/24 dev "$card"
  [ ! -e "/sys/class/net/$card" ] || ip link set "$card" up
done
grep -q windows.net /etc/hosts || echo '10.99.0.1 lab.blob.core.windows.net' >>/etc/hosts

echo "$name: $stage begins $(cut -d' ' -f1 /proc/uptime) s after the start of $(uname -r)"
sh /repo/bench/machines/guest/stage.sh "$stage" "$name" >"/host/$stage.log" 2>&1 </dev/null
echo $? >"/host/$stage.rc"
dmesg >"/host/$stage.dmesg"
echo "$name: $stage ended with $(cat "/host/$stage.rc") at $(cut -d' ' -f1 /proc/uptime) s"
sync
busybox poweroff -f
