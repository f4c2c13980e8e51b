#!/bin/sh
# Removes a control group with all below it; nothing runs in it any more. What labs have left behind that
# were ended by force goes too.
#   remove-cgroup.sh <name>
# To be called in a mount namespace of its own.
set -eu
mount -t cgroup2 flashfreeze-guest /mnt
# A minute, because one that is just being made is empty too.
find "/mnt/$1" /mnt/flashfreeze-guest-* -maxdepth 0 \( -name "$1" -o -mmin +1 \) 2>/dev/null |
  while read -r group; do
    if grep -q '^populated 0$' "$group/cgroup.events"; then
      find "$group" -depth -type d -exec rmdir {} +
    fi
  done
