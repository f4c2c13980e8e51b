# For machines with SELinux: flashfreeze runs as what an agent starts, everything else may do everything.

# enforce <rules>: the policy of base.cil with those rules
enforce() {
  policies=/repo/bench/machines/guest/selinux
  mountpoint -q /sys/fs/selinux || mount -t selinuxfs selinuxfs /sys/fs/selinux
  secilc --policyvers=30 --output=/run/policy --filecontext=/dev/null "$policies/base.cil" "$policies/$1.cil"
  # The kernel takes a policy in one write.
  dd if=/run/policy of=/sys/fs/selinux/load bs=1M status=none
  echo 1 >/sys/fs/selinux/enforce
}

# In place of the program.
confine_flashfreeze() {
  cat >/run/confined <<'SCRIPT'
#!/bin/sh -e
printf %s user:role:agent_t >/proc/self/attr/exec
exec /host/payload/flashfreeze "$@"
SCRIPT
  chmod 755 /run/confined
  mount --bind /run/confined /opt/flashfreeze/flashfreeze
}
