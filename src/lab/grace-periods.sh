#!/bin/sh
# Puts the machine's grace periods back when the last of those has gone who may have had them expedited, whatever ended it.
#   grace-periods.sh <folder that all of the machine share> <path of rcu_expedited>
# Says "kept" and stands until its standard input ends, which every process holds open that it is to outlive.
#
# What is usual is read while nobody else stands: read at any other moment it may be what somebody's run has set.
# Who was killed while the last left the file with what is usual behind; that is believed then.
trap '' INT TERM HUP
usual=$1/usual value=$2
mkdir -p "$1" || exit 1
# 9: one at a time. 8: shared by all that stand; whoever has it alone is the first or the last.
exec 9>"$1/turn" 8>"$1/standing"
flock 9
if flock --nonblock 8; then
  if [ -s "$usual" ]; then cat "$usual" >"$value"; else cat "$value" >"$usual"; fi
fi
flock --shared 8
flock --unlock 9
echo kept
while read -r _; do :; done
flock 9
if flock --nonblock 8; then
  cat "$usual" >"$value"
  rm -f "$usual"
fi
