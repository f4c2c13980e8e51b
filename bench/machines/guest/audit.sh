# For machines with auditd.

# start_auditd <folder of its log>: every file that is opened, every program that is started and every ioctl is told, and
# the kernel keeps few messages for auditd. What is told waits when they are full, for up to a minute.
start_auditd() {
  mkdir -p /etc/audit "$1"
  cat >/etc/audit/auditd.conf <<CONFIGURATION
log_file = $1/audit.log
log_format = RAW
log_group = root
flush = INCREMENTAL
freq = 1
num_logs = 2
max_log_file = 2
max_log_file_action = ROTATE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = SUSPEND
disk_error_action = SUSPEND
CONFIGURATION
  chmod 640 /etc/audit/auditd.conf
  auditd -s enable
  auditctl -D
  auditctl -b 64 --backlog_wait_time 6000 -f 1
  auditctl -a always,exit -F arch=b64 -S openat -S execve -S ioctl -k told
  # Fills what the kernel keeps in no time.
  while [ ! -e /run/enough ]; do
    cat /etc/hostname
  done >/dev/null 2>&1 &
}

# For show_operation: auditd takes messages, and what the kernel knows of them.
show_auditd() {
  running_if sh -c 'auditctl -s | grep -q "^pid [1-9]" && auditctl -l | grep -q told'
  auditctl -s
}

stop_auditd() {
  auditctl -D
  touch /run/enough
  kill "$(cat /run/auditd.pid)"
  while pidof -q auditd; do sleep 0.2; done
}
